"""ONNX files with a card, or with the BioImage Model Zoo's description."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from napari_medclf.backends.foreign import check_digest, choose_card, find_source, is_source, package_of, ready
from napari_medclf.backends.onnx.fit import fit_card
from napari_medclf.backends.onnx.graph import Graph, is_onnx, ports_of, read_graph
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_KIND = "onnx"
_DEFAULT_SETTINGS = LoadSettings()
_NO_GRAPH = Graph((), ())


class OnnxBackend:
    """See `domain.backend.Backend`."""

    name = "onnx"
    title = "ONNX file"

    def unavailable_because(self) -> str:
        """ONNX Runtime is an extra."""
        if find_spec("onnxruntime") is not None:
            return ""
        return 'Running ONNX files needs ONNX Runtime. Install it with `pip install "napari-medclf[onnx]"`.'

    def recognises(self, path: Path) -> bool:
        """Whether it is such a file, or a folder that describes one and has no other weights that run here."""
        if path.is_dir() and self.unavailable_because() and is_source(path, "torchscript", is_onnx):
            return False
        return is_source(path, _KIND, is_onnx)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read the doors of the network and complete the card with them; nothing is run."""
        source = find_source(path, _KIND, card)
        if not is_onnx(source.weights):
            raise CardError(f"{source.weights}: is no ONNX file.")
        graph = read_graph(source.weights) if find_spec("onnx") is not None else _NO_GRAPH
        chosen = choose_card(source, _KIND, self.name, card, str(graph) if graph.inputs else "")
        if graph.inputs:
            chosen = fit_card(chosen, graph, str(source.weights))
        return package_of(source, chosen, more=graph.external)

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Open the file in ONNX Runtime."""
        from napari_medclf.backends.onnx.network import OnnxNetwork
        from napari_medclf.engine.runtimes.onnx_session import open_session

        weights = package.files[0]
        package = check_digest(package, weights)
        known = read_graph(weights) if find_spec("onnx") is not None else None
        try:
            session = open_session(str(weights))
        except BackendUnavailable:
            raise
        except Exception as error:  # ONNX Runtime's classes are not public
            reason = " ".join(str(error).split())[:200]
            raise CardError(f"{weights}: ONNX Runtime refuses it: {reason}.") from error
        graph = known or ports_of(session)
        card = fit_card(package.card, graph, str(weights))
        network = OnnxNetwork(session, graph, card)
        return ready(ModelPackage(card, package.folder, files=package.files), network, settings)
