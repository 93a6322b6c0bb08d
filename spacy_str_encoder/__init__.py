from .relation import Relation, install_extensions

install_extensions()

__all__ = ["Relation"]
