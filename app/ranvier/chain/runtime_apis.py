"""Runtime APIs by V15 metadata, which the SCALE library does not know: its layout is registered here as types.

It has a type registry of its own, so that storage and signing keep the types they were proven with.
Used on the worker thread only; decoding the real chain's takes 2 to 3 s, so it is done when first needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scalecodec.base import ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from ranvier.chain.codec import new_config
from ranvier.core.errors import ChainError

VERSION = 15
_PREFIX = "v15"


def _struct(**fields: str) -> dict[str, Any]:
    return {"type": "struct", "type_mapping": [[name, kind] for name, kind in fields.items()]}


_LAYOUT: dict[str, Any] = {
    "ApiInputV15": _struct(name="Text", ty="SiLookupTypeId"),
    "ApiMethodV15": _struct(name="Text", inputs="Vec<ApiInputV15>", output="SiLookupTypeId", docs="Vec<Text>"),
    "ApiV15": _struct(name="Text", methods="Vec<ApiMethodV15>", docs="Vec<Text>"),
    "ExtrinsicV15": _struct(
        version="u8",
        address_ty="SiLookupTypeId",
        call_ty="SiLookupTypeId",
        signature_ty="SiLookupTypeId",
        extra_ty="SiLookupTypeId",
        signed_extensions="Vec<SignedExtensionMetadataV14>",
    ),
    "PalletV15": {
        **_struct(
            name="Text",
            storage="Option<StorageMetadataV14>",
            calls="Option<PalletCallMetadataV14>",
            event="Option<PalletEventMetadataV14>",
            constants="Vec<PalletConstantMetadataV14>",
            error="Option<PalletErrorMetadataV14>",
            index="u8",
            docs="Vec<Text>",
        ),
        "base_class": "ScaleInfoPalletMetadata",
    },
    "OuterEnumsV15": _struct(call="SiLookupTypeId", event="SiLookupTypeId", error="SiLookupTypeId"),
    "CustomValueV15": _struct(ty="SiLookupTypeId", value="Bytes"),
    "CustomV15": _struct(key="Text", value="CustomValueV15"),
    "MetadataV15": _struct(
        types="PortableRegistry",
        pallets="Vec<PalletV15>",
        extrinsic="ExtrinsicV15",
        runtime_type="SiLookupTypeId",
        apis="Vec<ApiV15>",
        outer_enums="OuterEnumsV15",
        custom="Vec<CustomV15>",
    ),
}


class RuntimeApis:
    """The runtime APIs that one V15 metadata blob describes."""

    def __init__(self, metadata: bytes) -> None:
        self._config = new_config()
        versions = load_type_registry_preset(name="core")["types"]["MetadataAll"]
        mapping = [*versions["type_mapping"][:VERSION], ["V15", "MetadataV15"]]
        self._config.update_type_registry({"types": {**_LAYOUT, "MetadataAll": {**versions, "type_mapping": mapping}}})
        start = metadata.find(b"meta")  # it comes as Option<Bytes>
        if start < 0:
            raise ChainError("Not supported", "This node offers no description of its runtime calls.")
        whole = self._config.create_scale_object("MetadataVersioned", data=ScaleBytes(metadata[start:]))
        whole.decode()
        types = whole.portable_registry.value_object["types"].value_object
        self._config.update_from_scale_info_types(types, prefix=_PREFIX)
        self._methods = {
            (api["name"], method["name"]): (
                [f"{_PREFIX}::{argument['ty']}" for argument in method["inputs"]],
                f"{_PREFIX}::{method['output']}",
            )
            for api in whole.value[1]["V15"]["apis"]
            for method in api["methods"]
        }

    def has(self, api: str, method: str) -> bool:
        return (api, method) in self._methods

    def encode(self, api: str, method: str, params: Sequence[Any]) -> str:
        """The call's arguments as hex; raises ChainError when there is no such call or they do not fit."""
        types = self._types(api, method)[0]
        if len(types) != len(params):
            raise ChainError("Bad request", f"{api}.{method} takes {len(types)} arguments.")
        data = b""
        try:
            for type_name, param in zip(types, params, strict=True):
                data += bytes(self._config.create_scale_object(type_name).encode(param).data)
        except Exception as error:  # the codec raises a dozen kinds
            raise ChainError("Bad request", f"{api}.{method} cannot be asked with these: {error}.") from error
        return "0x" + data.hex()

    def decode(self, api: str, method: str, answer: str) -> Any:
        try:
            return self._config.create_scale_object(self._types(api, method)[1], ScaleBytes(answer)).decode()
        except ChainError:
            raise
        except Exception as error:  # as above
            raise ChainError("Unreadable answer", f"The answer of {api}.{method} cannot be read ({error}).") from error

    def _types(self, api: str, method: str) -> tuple[list[str], str]:
        found = self._methods.get((api, method))
        if found is None:
            raise ChainError("Not on this chain", f"This chain has no runtime call {api}.{method}.")
        return found
