# SPDX-License-Identifier: Apache-2.0
"""Messages of the library go to Python's logging, logger "medlar"."""
import logging

from . import _core

_LEVELS = {0: logging.CRITICAL, 1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


class _Logger(_core.Logger):
    def log(self, level, message):
        logging.getLogger("medlar").log(_LEVELS[level], "%s", message)


LOGGER = _Logger()
