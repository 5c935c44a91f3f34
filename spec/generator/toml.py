# SPDX-License-Identifier: Apache-2.0
"""TOML reader: tomllib of Python 3.11, or the tomli package before."""
try:
    import tomllib as reader
except ModuleNotFoundError:
    import tomli as reader


def load_toml(path):
    with open(path, "rb") as file:
        return reader.load(file)
