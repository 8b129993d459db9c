"""Class names, colours and codes of a label image inside a NIfTI header.

NIfTI has no field for names. Its header extension 30 (CARET) holds an XML label table, which Connectome Workbench,
TotalSegmentator and nibabel read and all others skip. A file beside the image would be lost on the first copy.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from napari_medclf.domain.errors import SchemaError
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema

CARET_CODE = 30
_MOST_XML = 2**22


def to_xml(schema: LabelSchema) -> str:
    """Write the foreground classes as a label table; codes stand in attributes of our own."""
    rows = "".join(_row(one) for one in schema.foreground)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CaretExtension><VolumeInformation Index="0"><LabelTable>'
        f"{rows}</LabelTable><VolumeType><![CDATA[Label]]></VolumeType></VolumeInformation></CaretExtension>"
    )


def from_xml(text: str) -> LabelSchema | None:
    """Read a label table; None where the text is none or has no foreground class.

    Entities are refused: they are what makes XML dangerous, and no label table has any.
    """
    if "<CaretExtension" not in text or "<!" in text.replace("<![CDATA[", "") or len(text) > _MOST_XML:
        return None
    try:
        root = ElementTree.fromstring(text.strip("\0 \n"))  # noqa: S314
        classes = [_class_of(row) for row in root.iter("Label") if int(row.get("Key", "0")) > 0]
        return LabelSchema(classes=tuple(classes)) if classes else None
    except (ElementTree.ParseError, SchemaError, ValueError):
        return None


def _row(one: LabelClass) -> str:
    red, green, blue = (f"{part / 255:.6f}" for part in bytes.fromhex(one.colour[1:]))
    code = ""
    if one.code is not None:
        code = (
            f" CodeScheme={quoteattr(one.code.scheme)} CodeValue={quoteattr(one.code.value)}"
            f" CodeMeaning={quoteattr(one.code.meaning)}"
        )
    name = one.name.replace("]]>", "]] >")
    return (
        f'<Label Key="{one.value}" Red="{red}" Green="{green}" Blue="{blue}" Alpha="1"{code}><![CDATA[{name}]]></Label>'
    )


def _class_of(row: ElementTree.Element) -> LabelClass:
    parts = [min(max(round(float(row.get(name, "0.5")) * 255), 0), 255) for name in ("Red", "Green", "Blue")]
    value, scheme, meaning = (row.get(f"Code{name}", "") for name in ("Value", "Scheme", "Meaning"))
    key = int(row.get("Key", "0"))
    return LabelClass(
        value=key,
        name=(row.text or "").strip() or f"label {key}",
        colour=f"#{bytes(parts).hex().upper()}",
        code=CodedConcept(value=value, scheme=scheme, meaning=meaning) if value and scheme else None,
    )
