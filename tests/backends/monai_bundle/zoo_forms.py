"""Ways in which bundles of the zoo write the same thing: by reference, by arithmetic, by a choice, as nested parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Config = dict[str, Any]
Facts = dict[str, Any]


def call(target: str, *positional: Any, **named: Any) -> str:
    """Write a call as Python without ``$``; references in it stay references.

    >>> call("resnet50", "@stem", 3, strides=[2, 2])
    'resnet50(@stem, 3, strides=[2, 2])'
    """
    arguments = [*map(_python, positional), *(f"{name}={_python(value)}" for name, value in named.items())]
    return f"{target}({', '.join(arguments)})"


def _python(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith("@") else repr(value)


def share_arguments(config: Config, names: list[str]) -> None:
    """Give arguments of the network ids of their own, and refer to them."""
    for name in names:
        value = config["network_def"][name]
        is_file = isinstance(value, str) and value.startswith("models/")
        config[f"network_{name}"] = f"$os.path.join(@bundle_root, {value!r})" if is_file else value
        config["network_def"][name] = f"@network_{name}"


def add_search(config: Config, search: Facts) -> None:
    """Nest in a DiNTS network the architecture that a file of the bundle holds."""
    space = {name: value for name, value in search.items() if name not in ("file", "nodes")}
    config["search_device"] = "$torch.device('cuda')"
    config["search_path"] = f"$@bundle_root + '/models/' + {search['file']!r}"
    config["search"] = "$" + call("torch.load", "@search_path", map_location="@search_device")
    config["space"] = {
        "_target_": "TopologyInstance",
        **space,
        "arch_code": ["$@search['arch_code_a']", "$@search['arch_code_c']"],
        "device": "%search_device",
    }
    nodes = "@search['node_a']"
    nodes = f"$torch.from_numpy({nodes})" if search["nodes"] == "numpy" else f"${nodes}"
    config["network_def"] |= {"dints_space": "@space", "node_a": nodes}


def add_detector(config: Config, given: Facts) -> None:
    """Nest a backbone in a RetinaNet by calls, and set the detector by calls, too."""
    backbone = dict(given["backbone"])
    dims = backbone["spatial_dims"]
    pyramid = "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor"
    chosen = ("score_thresh", "topk_candidates_per_level", "nms_thresh", "detections_per_img")
    windows = {"overlap": given["overlap"], "sw_batch_size": given["at_once"], "mode": given["blending"]}
    config["window"] = given["roi"]
    config["backbone"] = "$" + call(f"monai.networks.nets.{backbone.pop('name')}", **backbone)
    config["pyramid"] = "$" + call(pyramid, "@backbone", dims, False, given["pyramid_levels"], None)
    config["anchor_generator"] = {
        "_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
        "feature_map_scales": given["anchor_scales"],
        "base_anchor_shapes": given["anchor_shapes"],
    }
    config["network_def"]["feature_extractor"] = "@pyramid"
    config["detector"] = {
        "_target_": "RetinaNetDetector",
        "network": "@network",
        "anchor_generator": "@anchor_generator",
    }
    config["detector_ops"] = [
        "$" + call("@detector.set_box_selector_parameters", **{name: given[name] for name in chosen}),
        "$" + call("@detector.set_sliding_window_inferer", roi_size="@window", **windows),
    ]
    config["inferer"]["detector"] = "@detector"


def call_builder(config: Config) -> None:
    """Write the network as a call of the function that builds it."""
    given = dict(config["network_def"])
    config["network_def"] = "$" + call(f"monai.networks.nets.{given.pop('_target_')}", **given)


def _name_image(config: Config, facts: Facts) -> None:
    config["picture"] = "image"
    for step in _steps(config):
        for name in ("keys", "image", "source_key"):
            if step.get(name) == "image":
                step[name] = "@picture"


def _name_keys(config: Config, facts: Facts) -> None:
    """Take the keys from MONAI's own constants."""
    config |= {name: f"$monai.utils.CommonKeys.{name.upper()}" for name in ("image", "pred", "label")}
    for step in (*_steps(config), *config["postprocessing"]["transforms"]):
        keys = step["keys"]
        step["keys"] = [f"@{key}" for key in keys] if isinstance(keys, list) else f"@{keys}"


def _list_steps(config: Config, facts: Facts) -> None:
    config["steps"] = _steps(config)
    config["preprocessing"]["transforms"] = "$@steps"


def _join_lists(config: Config, facts: Facts) -> None:
    steps = _steps(config)
    cut = next(n for n, (word, *_) in enumerate(facts["steps"]) if word == "own code")
    config |= {"reading": steps[:cut], "guiding": steps[cut:-1], "closing": steps[-1:]}
    config["preprocessing"]["transforms"] = "$@reading + @guiding + @closing"


def _switch_readers(config: Config, facts: Facts) -> None:
    """Disable what one of two kinds of image does not need."""
    config |= {"is_raw": False, "is_resampled": "$not @is_raw"}
    steps = _steps(config)
    steps[0]["_disabled_"] = "@is_raw"
    _step(config, "Spacingd")["_disabled_"] = "@is_resampled"
    steps.insert(1, {**steps[0], "reader": "itkreader", "affine_lps_to_ras": True, "_disabled_": "@is_resampled"})


def _switch_resolutions(config: Config, facts: Facts) -> None:
    fine, coarse = facts["resolutions"]["fine"], facts["resolutions"]["coarse"]
    config["choices"] = {"is_fine": True, "overlap": config["inferer"]["overlap"]}
    config["spacing"] = f"${fine['spacing']} if @choices::is_fine else {coarse['spacing']}"
    config["weights_name"] = f"${fine['weights']!r} if @choices#is_fine else {coarse['weights']!r}"
    config["weights"] = "$@bundle_root + '/models/' + @weights_name"
    config["inferer"]["overlap"] = "@choices#overlap"
    _step(config, "Spacingd")["pixdim"] = "@spacing"


def _compute_overlap(config: Config, facts: Facts) -> None:
    """What a window's rim takes away from its answer decides how windows overlap and how pictures are padded."""
    config |= {"window": facts["windows"]["roi"], "inner": facts["windows"]["inner"]}
    padding = {"roi_size": "@window", "extra_input_padding": "$[(@window - @inner) // 2] * 4"}
    config["inferer"] |= padding | {"overlap": "$1 - @inner / @window"}


def _count_axes(config: Config, facts: Facts) -> None:
    config["window"] = facts["windows"]["roi"]
    config["inferer"]["roi_size"] = "@window"
    config["network_def"]["spatial_dims"] = "$len(@window)"


def _count_channels(config: Config, facts: Facts) -> None:
    """The image's channels, and one of clicks for each class."""
    names = facts["gives"]["names"]
    config["label_values"] = {name: value for value, name in enumerate(names)}
    config["image_channels"] = facts["network"]["in_channels"] - len(names)
    config["network_def"] |= {
        "in_channels": "$@image_channels + len(@label_values)",
        "out_channels": "$len(@label_values)",
    }


def _load_in_handlers(config: Config, facts: Facts) -> None:
    config["handlers"] = [config.pop("checkpointloader")]


def _refer_to_network(config: Config, facts: Facts) -> None:
    config["network"] = "@network_def"


def _write_yes_as_text(config: Config, facts: Facts) -> None:
    step = _step(config, "NormalizeIntensityd")
    step |= {name: "True" for name, value in step.items() if value is True}


def _step(config: Config, target: str) -> Config:
    return next(step for step in _steps(config) if step["_target_"] == target)


def _steps(config: Config) -> list[Config]:
    steps: list[Config] = config["preprocessing"]["transforms"]
    return steps


FORMS: dict[str, Callable[[Config, Facts], None]] = {
    "image by name": _name_image,
    "keys of MONAI": _name_keys,
    "steps by expression": _list_steps,
    "lists joined": _join_lists,
    "raw or resampled": _switch_readers,
    "two resolutions": _switch_resolutions,
    "overlap by arithmetic": _compute_overlap,
    "axes counted": _count_axes,
    "channels by arithmetic": _count_channels,
    "weights among handlers": _load_in_handlers,
    "network by reference": _refer_to_network,
    "yes as text": _write_yes_as_text,
}
"""What `written` of `zoo_facts.json` may say of a configuration; ``yaml`` and ``classes as label_def`` are of files."""
