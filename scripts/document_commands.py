#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pages, man pages and shell completion of the command line, all from what its programs say when they are asked for help.

  document_commands.py MEDLAR TRTEXEC --pages docs/commands [--check]    one Markdown page a command; --check: only compare
  document_commands.py MEDLAR TRTEXEC --man DIR --completion DIR         man1/*.1, and completions of bash, zsh and fish
"""
import argparse
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field


@dataclass
class Option:
    names: list  #: "-o", "--output"
    value: str   #: "TEXT", "FLOAT:FLOAT in [0 - 1]" or ""
    notes: str   #: "REQUIRED", "Excludes: --fp16"
    text: str

    @property
    def choices(self):
        found = re.search(r"\{([^}]*)\}", self.value)
        words = [word.split("->")[0] for word in found.group(1).split(",")] if found else []
        return [word for word in words if word]


@dataclass
class Command:
    path: list
    text: str = ""
    usage: str = ""
    footer: str = ""
    positionals: list = field(default_factory=list)
    options: list = field(default_factory=list)
    commands: list = field(default_factory=list)

    @property
    def name(self):
        return " ".join(self.path)


def help_of(program, path):
    done = subprocess.run([program, *path, "--help"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(path)} --help: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def entries(lines):
    """(left, right) of a two-column list; wrapped texts are joined."""
    found = []
    for line in lines:
        if re.match(r"^  \S", line):
            left, _, right = line.strip().partition("  ")
            found.append([left, right.strip()])
        elif line.strip() and found:
            found[-1][1] = (found[-1][1] + " " + line.strip()).strip()
    return found


def option_of(left, right):
    names = re.match(r"^(-[\w-]+(?:,-[\w-]+)*)", left)
    rest = left[names.end():].strip() if names else left
    notes = re.search(r"(REQUIRED|Excludes:|Needs:).*$", rest)
    value = (rest[:notes.start()] if notes else rest).strip()
    return Option(names.group(1).split(",") if names else [], value, notes.group(0) if notes else "", right)


def sections(text):
    """Title line to lines of each part of CLI11's help."""
    parts = {"": []}
    title = ""
    for line in text.splitlines():
        if re.match(r"^[A-Z][a-z]+:$", line):
            title = line[:-1]
            parts[title] = []
        else:
            parts[title].append(line)
    return parts


def read_command(program, name, path=()):
    text = help_of(program, path)
    parts = sections(text)
    command = Command([name, *path])
    head = [line for line in parts[""] if line.strip()]
    usage = [line for line in head if line.startswith("Usage: ")]
    command.usage = usage[0][len("Usage: "):]
    command.text = " ".join(line for line in head if line not in usage)
    tail = re.search(r"^(Exit codes:.*)$", text, re.M)
    command.footer = tail.group(1) if tail else ""
    for title, lines in parts.items():
        lines = [line for line in lines if line != command.footer]
        if title == "Positionals":
            for left, right in entries(lines):
                word, _, value = left.partition(" ")
                command.positionals.append(Option([word], re.sub(r"\s*REQUIRED", "", value), "REQUIRED" if "REQUIRED" in value else "", right))
        elif title == "Options":
            command.options = [option_of(left, right) for left, right in entries(lines)]
        elif title == "Subcommands":
            command.commands = [read_command(program, name, (*path, left)) for left, _ in entries(lines)]
    return command


def flat(command):
    return [command] + [below for sub in command.commands for below in flat(sub)]


# --- Markdown

def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(title, options):
    lines = ["", f"| {title} | value | what |", "|---|---|---|"]
    for option in options:
        names = " ".join(f"`{name}`" for name in option.names)
        value = f"`{cell(option.value)}`" if option.value else ""
        notes = f" ({option.notes.lower() if option.notes == 'REQUIRED' else option.notes})" if option.notes else ""
        lines.append(f"| {names} | {value} | {cell(option.text + notes).strip()} |")
    return lines


def page(command):
    """A top-level command with all that is below it."""
    lines = [f"# {command.name}", "", "<!-- Made by scripts/document_commands.py from the program's own help. -->"]
    for part in flat(command):
        if part is not command:
            lines += ["", f"## {part.name}"]
        lines += ["", part.text + ".", "", "```text", part.usage, "```"]
        if part.positionals:
            lines += table("argument", part.positionals)
        if part.options:
            lines += table("option", part.options)
        if part.commands:
            lines += [""] + [f"- [{sub.name}](#{sub.name.replace(' ', '-')}): {sub.text}" for sub in part.commands]
    if command.footer:
        lines += ["", command.footer]
    return "\n".join(lines) + "\n"


def index(root):
    lines = ["# Commands", "", "<!-- Made by scripts/document_commands.py from the programs' own help. -->", "",
             f"{root.text} After `cmake --install` these pages are man pages too (`man medlar-build`), and the shell completes", "commands, options and their values.", "",
             "| command | what |", "|---|---|"]
    lines += [f"| [{command.name}]({'-'.join(command.path)}.md) | {cell(command.text)} |" for command in root.commands]
    lines += ["| [trtexec](trtexec.md) | NVIDIA's flags on the simulated DLA |", "", root.footer]
    return "\n".join(lines) + "\n"


def verbatim(text):
    return ("# trtexec\n\n<!-- Made by scripts/document_commands.py from the program's own help. -->\n\n```text\n" + text.rstrip() + "\n```\n")


def pages(root, trtexec):
    made = {"README.md": index(root), "trtexec.md": verbatim(trtexec)}
    made.update({"-".join(command.path) + ".md": page(command) for command in root.commands})
    return made


# --- Man pages

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def manual(command, root):
    name = "-".join(command.path)
    lines = [f'.TH {name.upper()} 1 "" "Medlar" "Medlar"', ".SH NAME", f"{roff(name)} \\- {roff(command.text)}", ".SH SYNOPSIS"]
    lines += [f".B {roff(part.usage)}\n.br" for part in flat(command) if part is command or command is not root]
    for part in flat(command) if command is not root else [command]:
        if part is not command:
            lines += [f".SH {roff(part.name.upper())}", roff(part.text)]
        for title, options in (("ARGUMENTS", part.positionals), ("OPTIONS", part.options)):
            if options:
                lines.append(f".S{'H' if part is command else 'S'} {title}")
            for option in options:
                lines += [".TP", f".B {roff(', '.join(option.names))} {roff(option.value)}".rstrip(), roff(option.text) or "\\&"]
        if part.commands and part is root:
            lines.append(".SH COMMANDS")
            for sub in part.commands:
                lines += [".TP", f".B {roff('-'.join(sub.path))}(1)", roff(sub.text)]
    if command.footer:
        lines += [".SH EXIT STATUS", roff(command.footer)]
    return "\n".join(lines) + "\n"


def manual_verbatim(name, text):
    body = "\n".join(roff(line) for line in text.rstrip().splitlines())
    return f'.TH {name.upper()} 1 "" "Medlar" "Medlar"\n.SH NAME\n{name} \\- NVIDIA\'s flags on the simulated DLA\n.SH DESCRIPTION\n.nf\n{body}\n.fi\n'


# --- Completion

BASH = '''# bash completion of medlar; made by scripts/document_commands.py
_medlar() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$path ${COMP_WORDS[i]}" in
@PATHS@
    esac
  done
  case "$path $previous" in
@VALUES@
  esac
  local words="" files=""
  case "$path" in
@WORDS@
  esac
  [[ $word == -* || -n ${words%%-*} ]] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  [[ (${#COMPREPLY[@]} -eq 0 || -n $files) && $word != -* ]] && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
  return 0
}
complete -o filenames -F _medlar medlar
'''


def devices_of(option):
    return "--device" in option.names


def bash(root, devices):
    paths, values, words = [], [], []
    for command in flat(root):
        below = " ".join(command.path[1:])
        if command is not root:
            parent = " ".join(command.path[1:-1])
            paths.append(f'      "{(parent + " " if parent else " ")}{command.path[-1]}") path="{below}" ;;')
        for option in command.options:
            choices = devices if devices_of(option) else option.choices
            if choices:
                for name in option.names:
                    values.append(f'    "{below} {name}") mapfile -t COMPREPLY < <(compgen -W "{" ".join(choices)}" -- "$word"); return 0 ;;')
        offered = [sub.path[-1] for sub in command.commands] + [name for option in command.options for name in option.names]
        files = " files=1" if command.commands and command.positionals else ""
        words.append(f'    "{below}") words="{" ".join(offered)}"{files} ;;')
    return BASH.replace("@PATHS@", "\n".join(paths)).replace("@VALUES@", "\n".join(values)).replace("@WORDS@", "\n".join(words))


def quoted(text):
    return text.replace("\\", "\\\\").replace("'", "'\\''").replace("[", "(").replace("]", ")").replace(":", "\\:")


def zsh_arguments(command, devices):
    lines = []
    for option in command.options:
        choices = devices if devices_of(option) else option.choices
        value = f":value:({' '.join(choices)})" if choices else (":value:_files" if option.value else "")
        for name in option.names:
            lines.append(f"        '{name}[{quoted(option.text)}]{value}'")
    return " \\\n".join(lines + ["        '*:file:_files'"])


def zsh_names(commands):
    return "\n".join(f"    '{command.path[-1]}:{quoted(command.text)}'" for command in commands)


def zsh_case(sub, devices):
    """The arguments of a command; with commands of its own below it, those first."""
    own = f"_arguments \\\n{zsh_arguments(sub, devices)}"
    if not sub.commands:
        return f"    {sub.path[-1]})\n      {own}\n      ;;"
    below = "\n".join(f"        {command.path[-1]})\n        (( CURRENT-- ))\n        shift words\n        _arguments \\\n"
                      f"{zsh_arguments(command, devices)}\n        ;;" for command in sub.commands)
    files = f"\n        {own}" if sub.positionals else ""
    return (f"    {sub.path[-1]})\n      commands=(\n{zsh_names(sub.commands)}\n      )\n      if (( CURRENT == 2 )); then\n"
            f"        _describe 'command' commands{files}\n        return\n      fi\n      case $words[2] in\n{below}\n"
            f"        *)\n        {own}\n        ;;\n      esac\n      ;;")


def zsh(root, devices):
    cases = [zsh_case(sub, devices) for sub in root.commands]
    return (f"#compdef medlar\n# made by scripts/document_commands.py\n_medlar() {{\n  local -a commands=(\n{zsh_names(root.commands)}\n  )\n"
            "  if (( CURRENT == 2 )); then\n    _describe 'command' commands\n    return\n  fi\n  local command=$words[2]\n"
            "  (( CURRENT-- ))\n  shift words\n  case $command in\n" + "\n".join(cases) + "\n  esac\n}\n_medlar \"$@\"\n")


def fish_text(words):
    return words.replace("\\", "\\\\").replace("'", "\\'")


def fish_command(command, condition, no_files, devices):
    """A command where `condition` holds, then its options and the commands below it."""
    seen = f"__fish_seen_subcommand_from {command.path[-1]}"
    parents = [f"__fish_seen_subcommand_from {name}" for name in command.path[1:-1]]
    lines = [f"complete -c medlar -n '{condition}' {no_files}-a {command.path[-1]} -d '{fish_text(command.text)}'"]
    here = "; and ".join([*parents, seen])
    names_below = " ".join(sub.path[-1] for sub in command.commands)
    if names_below:
        here += f"; and not __fish_seen_subcommand_from {names_below}"
    for option in command.options:
        choices = devices if devices_of(option) else option.choices
        names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
        value = f" -x -a '{' '.join(choices)}'" if choices else (" -r" if option.value else "")
        lines.append(f"complete -c medlar -n '{here}' {names}{value} -d '{fish_text(option.text)}'")
    for sub in command.commands:
        lines += fish_command(sub, here, "" if command.positionals else "-f ", devices)
    return lines


def fish(root, devices):
    lines = ["# fish completion of medlar; made by scripts/document_commands.py"]
    for sub in root.commands:
        lines += fish_command(sub, "__fish_use_subcommand", "-f ", devices)
    return "\n".join(lines) + "\n"


# --- The program

def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def check(folder, files):
    stale = [name for name, text in files.items() if not (folder / name).is_file() or (folder / name).read_text() != text]
    stale += [path.name for path in folder.glob("*.md") if path.name not in files]
    if stale:
        sys.exit(f"{folder}: not what the programs say: {', '.join(sorted(stale))}; run scripts/document_commands.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("medlar")
    parser.add_argument("trtexec")
    parser.add_argument("--pages", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--man", type=pathlib.Path)
    parser.add_argument("--completion", type=pathlib.Path)
    options = parser.parse_args()
    root = read_command(options.medlar, "medlar")
    trtexec = help_of(options.trtexec, [])
    if options.pages:
        (check if options.check else write)(options.pages, pages(root, trtexec))
    if options.man:
        made = {"-".join(command.path) + ".1": manual(command, root) for command in [root, *root.commands]}
        write(options.man, {**made, "trtexec.1": manual_verbatim("trtexec", trtexec)})
    if options.completion:
        import json
        listed = subprocess.run([options.medlar, "devices", "--json"], capture_output=True, text=True, check=True, timeout=60).stdout
        devices = [device["name"] for device in json.loads(listed)]
        write(options.completion, {"medlar.bash": bash(root, devices), "_medlar": zsh(root, devices), "medlar.fish": fish(root, devices)})


if __name__ == "__main__":
    main()
