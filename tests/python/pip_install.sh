#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A fresh virtual environment: pip install . from the clone, then an example as it stands and the command line's result.
set -euo pipefail
source=$1 medlar=$2 build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# In the build folder, so that the compiler's cache sees the same paths every time.
venv=$build/pip_install/venv
python3 -m venv --clear "$venv"
python=$venv/bin/python
# The compiler's cache, where there is one, knows these sources from the build beside.
export CMAKE_C_COMPILER_LAUNCHER= CMAKE_CXX_COMPILER_LAUNCHER=
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$source CCACHE_NOHASHDIR=1
fi
# What the package says that it is built with, and nothing else: as in a build of pip's own, but where the compiler's cache knows the paths.
"$python" - "$source/pyproject.toml" >"$work/requires.txt" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
print("\n".join(re.findall(r'"([^"]+)"', re.search(r"^requires = \[(.*?)\]", text, re.M | re.S).group(1))))
PY
"$python" -m pip install -q --disable-pip-version-check -r "$work/requires.txt"
"$python" -m pip install -q --disable-pip-version-check --no-build-isolation "$source"
cd "$work"
"$python" -c 'import medlar, sys; assert "site-packages" in medlar.__file__; print("medlar", medlar.__version__)'
cp "$source/models/digits/digits.onnx" model.onnx
"$python" -m pip install -q --disable-pip-version-check pillow  # the examples read pictures
for example in "$source"/examples/tensorrt/*.py; do
  [ "$(basename "$example")" = digits.py ] || "$python" -m medlar.compat "$example"
done
"$python" -c "
import medlar, numpy
image = numpy.tri(28, dtype=numpy.float32)[None, None]
numpy.save('image.npy', image)
numpy.save('ours.npy', medlar.load('model_dla.engine').run(image)['probabilities'])"
"$medlar" run model_dla.engine --input image=image.npy --output-dir out >/dev/null
cmp ours.npy out/probabilities.npy
echo "pip install: ok"
