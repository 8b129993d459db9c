"""The 31 bundles of the MONAI Model Zoo, by the facts about their configurations: which run, and as what."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from zoo_configs import FACTS, NAMES, make_inference

from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend
from napari_medclf.backends.monai_bundle.files import find_inference, read_bundle
from napari_medclf.backends.monai_bundle.network import as_spec, code_of, describe_network
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import BackendUnavailable, CardError
from napari_medclf.store.zoo.entry import read_zoo

WriteZoo = Callable[[str], Path]
PACKAGES = {
    "brats_mri_axial_slices_generative_diffusion": "einops",
    "brats_mri_generative_diffusion": "einops",
    "breast_density_classification": "torchvision",
    "pathology_tumor_detection": "torchvision",
}
# Megabytes of float32 by the network definitions of the zoo itself, parameters and buffers, counted apart with MONAI.
SIZES_MB = {
    "brats_mri_axial_slices_generative_diffusion": 61.6,
    "brats_mri_segmentation": 18.8,
    "classification_template": 28.1,
    "endoscopic_inbody_classification": 104.4,
    "endoscopic_tool_segmentation": 46.1,
    "mednist_gan": 1.3,
    "pathology_nuclei_classification": 28.2,
    "pathology_nuclick_annotation": 31.1,
    "prostate_mri_anatomy": 152.7,
    "renalStructures_CECT_segmentation": 75.9,
    "segmentation_template": 1.2,
    "spleen_ct_segmentation": 19.2,
    "ventricular_short_axis_3label": 6.5,
    "wholeBody_ct_segmentation": 75.2,
}


def _card(folder: Path) -> ModelCard:
    return MonaiBundleBackend().read(folder).card


def test_at_least_19_networks_need_no_trust(write_zoo: WriteZoo) -> None:
    free = [name for name in NAMES if _is_free(write_zoo(name))]
    assert len(NAMES) == 31
    assert len(free) == 25


def _is_free(folder: Path) -> bool:
    try:
        return not code_of(describe_network(read_bundle(folder))[1])
    except CardError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if "dints" not in name and name != "multi_organ_segmentation"])
def test_networks_are_built_with_the_parameters_their_authors_have(write_zoo: WriteZoo, name: str) -> None:
    import torch

    from napari_medclf.engine.networks import build_network

    folder = write_zoo(name)
    if not _is_free(folder):
        pytest.skip("its network is code of its own")
    package = PACKAGES.get(name)
    if package is not None and find_spec(package) is None:
        with pytest.raises(BackendUnavailable, match=f"needs the package '{package}'"):
            build_network(as_spec(describe_network(read_bundle(folder))[1]), folder)
        return
    with torch.device("cpu" if name.startswith("swin") else "meta"):  # its depths are numbers of a tensor
        network = build_network(as_spec(describe_network(read_bundle(folder))[1]), folder)
    n_bytes = 4 * sum(one.numel() for one in network.state_dict().values())
    assert n_bytes > 0
    if name in SIZES_MB:
        assert n_bytes / 1e6 == pytest.approx(SIZES_MB[name], abs=0.06)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "spleen_ct_segmentation",
            {
                "task": Task.SEGMENT,
                "input.spacing_mm": (1.5, 1.5, 2.0),
                "input.axis_codes": "RAS",
                "input.resampling": "linear",
                "input.align": "centre",
                "input.intensity.kind": "window",
                "input.intensity.low": -57.0,
                "input.patch_vox": (96, 96, 96),
                "input.overlap": 0.5,
                "input.blending": "constant",
                "input.modality": ("CT",),
                "output.schema_.names": ("spleen",),
                "output.resampled": "probabilities",
            },
        ),
        (
            "wholeBody_ct_segmentation",
            {
                "input.spacing_mm": (1.5, 1.5, 1.5),
                "input.intensity.of": "nonzero",
                "input.intensity.is_per_channel": False,
                "input.blending": "gaussian",
                "input.overlap": 0.25,
                "output.resampled": "labels",
            },
        ),
        (
            "brats_mri_segmentation",
            {
                "input.channels": ("T1c", "T1", "T2", "FLAIR"),
                "input.axis_order": (2, 1, 0),
                "input.axis_codes": None,
                "output.activation": "sigmoid",
                "output.has_background_channel": False,
                "output.schema_.values": (1, 2, 4),
                "output.priority": ("Whole tumor", "Tumor core", "Enhancing tumor"),
            },
        ),
        (
            "prostate_mri_anatomy",
            {
                "input.intensity.kind": "zscore",
                "input.then": (),
                "output.largest_only": ("central gland", "peripheral zone"),
            },
        ),
        (
            "ventricular_short_axis_3label",
            {"input.spatial_dims": 2, "input.axis_order": (0, 2, 1), "input.patch_vox": (256, 256)},
        ),
        (
            "endoscopic_tool_segmentation",
            {
                "input.resize_to": (736, 480),
                "input.axis_order": (0, 2, 1),
                "input.channels": ("red", "green", "blue"),
                "input.resampling": "linear",
                "input.align": "edges",
                "output.schema_.names": ("tools",),
            },
        ),
        (
            "endoscopic_inbody_classification",
            {"task": Task.CLASSIFY, "input.resize_to": (256, 256), "output.schema_.names": ("in body", "out body")},
        ),
        (
            "classification_template",
            {"task": Task.CLASSIFY, "output.activation": "softmax", "output.schema_.values": (0, 1, 2, 3)},
        ),
        (
            "lung_nodule_ct_detection",
            {
                "task": Task.DETECT,
                "input.spacing_mm": (0.703125, 0.703125, 1.25),
                "input.patch_vox": (512, 512, 192),
                "output.smallest_score": 0.02,
                "output.nms_iou": 0.22,
            },
        ),
        (
            "pathology_nuclei_segmentation_classification",
            {"task": Task.INSTANCES, "output.instances": "hover", "input.patch_vox": (400, 400)},
        ),
        ("pediatric_abdominal_ct_segmentation", {"output.schema_.names": ("liver", "spleen", "pancreas")}),
        (
            "breast_density_classification",
            {"input.resampling": "area", "input.is_normalised_first": True, "input.modality": ("MG",)},
        ),
    ],
)
def test_cards_say_what_the_configurations_say(write_zoo: WriteZoo, name: str, wanted: dict[str, Any]) -> None:
    card = _card(write_zoo(name))
    for path, value in wanted.items():
        found: Any = card
        for part in path.split("."):
            found = getattr(found, part)
        assert found == value, path


def test_configuration_wins_over_wrong_metadata(write_zoo: WriteZoo) -> None:
    folder = write_zoo("breast_density_classification")
    content = json.loads((folder / "configs/metadata.json").read_text())
    content["network_data_format"]["inputs"]["image"]["spatial_shape"] = [229, 229]
    (folder / "configs/metadata.json").write_text(json.dumps(content))
    assert _card(folder).input.resize_to == (299, 299)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mednist_gan", "makes images out of noise"),
        ("vista3d", "needs clicks or class prompts"),
        ("maisi_ct_generative", "names no network"),
        ("pathology_nuclick_annotation", "AddClickSignalsd is applied.*Give a card"),
        ("renalStructures_CECT_segmentation", r"scripts\.my_transforms\.ConcatImages is applied.*Give a card"),
        ("vista2d", r"scripts\.components\.LoadTiffd"),
    ],
)
def test_what_cannot_be_expressed_is_named_in_one_sentence(write_zoo: WriteZoo, name: str, reason: str) -> None:
    with pytest.raises(CardError, match=reason) as refusal:
        MonaiBundleBackend().read(write_zoo(name))
    assert "\n" not in str(refusal.value)


def test_a_card_makes_a_bundle_usable_whose_preparation_is_code(write_zoo: WriteZoo) -> None:
    backend = MonaiBundleBackend()
    like = _card(write_zoo("spleen_ct_segmentation"))
    phases = like.input.model_copy(update={"channels": ("artery", "vein", "excret")})
    package = backend.read(write_zoo("renalStructures_CECT_segmentation"), like.model_copy(update={"input": phases}))
    assert package.card.input.channels == ("artery", "vein", "excret")
    assert package.card.network.target == "monai.networks.nets.SegResNet"
    assert package.trust is None


def test_a_network_of_its_own_code_asks_for_trust_and_says_for_what(write_zoo: WriteZoo) -> None:
    folder = write_zoo("renalStructures_UNEST_segmentation")
    (folder / "scripts").mkdir()
    (folder / "scripts/unest.py").write_text("x = 1\n")
    trust = MonaiBundleBackend().read(folder).trust
    assert trust is not None
    assert "network_def: scripts.networks.unest.UNesT" in trust.what
    assert "the file scripts/unest.py" in trust.what
    (folder / "scripts/unest.py").write_text("x = 2\n")
    changed = MonaiBundleBackend().read(folder).trust
    assert changed is not None
    assert changed.sha256 != trust.sha256


def test_reading_loads_neither_torch_nor_monai(write_zoo: WriteZoo) -> None:
    folder = write_zoo("spleen_ct_segmentation")
    code = (
        "import sys; from pathlib import Path;"
        "from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend;"
        f"path = Path({str(folder)!r}); backend = MonaiBundleBackend();"
        "assert backend.recognises(path); backend.read(path);"
        "print(sorted({'torch', 'monai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "n_steps", "inferer"),
    [
        ("spleen_ct_segmentation", 6, {"roi_size": [96, 96, 96], "overlap": 0.5}),
        ("wholeBody_ct_segmentation", 7, {"overlap": 0.25, "padding_mode": "replicate"}),
        ("pediatric_abdominal_ct_segmentation", None, {"roi_size": [96, 96, 96]}),  # its steps need the package itk
        ("pathology_nuclei_segmentation_classification", 4, {"overlap": 1 - 80 / 270, "extra_input_padding": [95] * 4}),
        ("lung_nodule_ct_detection", 5, None),  # of two readers and a resampling, one reader is left
        ("classification_template", 3, {}),
    ],
)
def test_monais_own_parser_understands_what_is_written_here(
    write_zoo: WriteZoo, name: str, n_steps: int | None, inferer: dict[str, Any] | None
) -> None:
    from monai.bundle import ConfigParser

    path = find_inference(write_zoo(name))
    assert path is not None
    assert (path.suffix == ".yaml") == ("yaml" in FACTS[name].get("written", ()))
    parser = ConfigParser(globals={"os": "os", "monai": "monai"})
    parser.read_config(str(path))
    if n_steps is not None:
        assert len(parser.get_parsed_content("preprocessing").transforms) == n_steps
    if inferer is not None:
        theirs = parser.get_parsed_content("inferer")
        assert {argument: getattr(theirs, argument) for argument in inferer} == inferer


def test_facts_are_facts_and_agree_with_the_list_of_models() -> None:
    listed = {one.name: (one.version, one.licence) for one in read_zoo().models if one.name in FACTS}
    assert listed == {name: (facts["version"], facts["licence"]) for name, facts in FACTS.items()}
    assert not [sign for sign in ("$", "@", "_target_", "torch.") if sign in json.dumps(FACTS)]


@pytest.mark.parametrize("name", NAMES)
def test_facts_say_which_code_of_its_own_a_bundle_needs(name: str) -> None:
    needs = set(FACTS[name].get("needs", ()))
    text = json.dumps(make_inference(name))
    assert ("lambda" in needs) == ("$lambda" in text)
    assert ("search code" in needs) == ("$torch.load" in text)
    assert ("builder call" in needs) == ('"network_def": "$' in text)
    assert ("torchvision" in needs) == ("TorchVision" in text)
    assert ("scripts" in needs) >= ('_target_": "scripts.' in text)


def test_the_page_about_the_zoo_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(__file__).resolve().parents[3] / "docs" / "zoo_bundles.py"
    specification = importlib.util.spec_from_file_location("zoo_bundles", script)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["zoo_bundles.py", "--check"])
    assert module.main() == 0, "run python docs/zoo_bundles.py"
