"""MeshNets of brainchop: ``model.json`` says the layers, ``colormap.json`` the classes."""
