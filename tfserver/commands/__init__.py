"""The vocabulary: each message class beside its handler, by subject. Importing it fills the tables.

Every module in this folder is found by itself: a new one needs to be named nowhere.
"""

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
