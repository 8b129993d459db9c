from dataclasses import replace

import numpy as np
from qtpy.QtCore import Qt

from napari_medclf.domain.image import Scale
from napari_medclf.testing.phantoms import brain_phantom, oblique_phantom, vessels_phantom
from napari_medclf.ui.presets import window_text


def test_presets_of_ct_by_click_and_key_and_the_one_that_is_on_is_seen(workbench, person, until) -> None:
    layer = workbench.session.show_image(oblique_phantom())
    presets = workbench.data.presets
    person.click(presets.buttons["Lung"])
    assert tuple(layer.contrast_limits) == (-1350.0, 150.0)
    assert presets.buttons["Lung"].isChecked()
    assert workbench.notes.text("window") == "Lung   W 1500   L -600"
    person.press(Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    assert presets.active == "Bone"
    person.press(Qt.Key.Key_W)
    assert presets.active == "Brain"
    person.click(presets.buttons["Full range"])
    until(lambda: presets.active == "Full range")
    assert layer.contrast_limits[1] == float(np.max(oblique_phantom().data))
    layer.contrast_limits = (0.0, 77.0)
    assert presets.active == ""
    assert workbench.notes.text("window") == "W 77   L 38.5"


def test_ct_of_a_format_without_modality_opens_in_soft_tissue_and_has_all_presets(workbench) -> None:
    ct = replace(oblique_phantom(), scale=Scale.RAW, modality="", window=(-1023.0, 269.0))
    workbench.session.show_image(ct)
    presets = workbench.data.presets
    assert presets.active == "Soft tissue"
    assert all(button.isEnabled() for button in presets.buttons.values())


def test_mr_has_no_windows_in_hounsfield_units_and_a_photograph_none_at_all(workbench) -> None:
    presets = workbench.data.presets
    workbench.session.show_image(brain_phantom().image)
    assert [name for name, button in presets.buttons.items() if button.isEnabled()] == ["File", "Full range"]
    workbench.session.viewer.layers.clear()
    workbench.session.show_image(vessels_phantom().image)
    assert not any(button.isEnabled() for button in presets.buttons.values())
    assert workbench.notes.text("window") == ""


def test_window_is_written_as_width_and_level() -> None:
    assert window_text("", (0.0, 80.0)) == "W 80   L 40"
