# SPDX-License-Identifier: Apache-2.0
# zsh -f complete.zsh FOLDER LINE: what zsh, with FOLDER's completions, offers at the end of LINE, one a line. A shell on a
# pseudo-terminal completes as it does for a person; compadd says what it was given.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "
PROMPT= RPROMPT=
fpath=(${(q)1} \$fpath)
autoload -Uz compinit && compinit -u -D
setopt nolistbeep
compadd() {
  local option
  for option in \"\$@\"; do
    case \$option in (-[OAD]) builtin compadd \"\$@\"; return ;; (--|-) break ;; esac
  done
  local -a hits
  builtin compadd -A hits \"\$@\"
  print -r -l -- \"\" OFFERED:\${^hits}
  builtin compadd \"\$@\"
}
offer() { zle list-choices; print -r -l -- \"\" END; exit }
zle -N offer
bindkey '^X' offer
print READY
"
typeset line
while zpty -r shell line; do [[ $line == *READY$'\r'* || $line == READY* ]] && break; done
zpty -w -n shell "$2"$'\x18'
while zpty -r shell line; do
  line=${line%%[$'\r\n']*}
  [[ $line == *OFFERED:* ]] && print -r -- ${line##*OFFERED:}
  [[ $line == END* ]] && break
done
zpty -d shell
