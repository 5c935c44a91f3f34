# SPDX-License-Identifier: Apache-2.0
"""Plugins are code for a GPU; the registry is there, and empty."""
from ._basic import core_logger, no_effect


class IPluginCreator:
    pass


class IPluginRegistry:
    plugin_creator_list = ()
    all_creators = ()
    error_recorder = None
    parent_search_enabled = True

    def get_plugin_creator(self, type, version, plugin_namespace=""):
        return None

    get_creator = get_plugin_creator

    def register_creator(self, creator, plugin_namespace=""):
        raise NotImplementedError("plugins are code for a GPU and cannot be registered: operators without a DLA form run on the host")

    register_plugin_creator = register_creator


_REGISTRY = IPluginRegistry()


def get_plugin_registry():
    return _REGISTRY


def get_builder_plugin_registry(capability):
    return _REGISTRY


def init_libnvinfer_plugins(logger, namespace):
    """True: there is nothing to initialise."""
    if logger is not None:
        no_effect(core_logger(logger), "init_libnvinfer_plugins", "there are no plugins; such operators run on the host")
    return True
