"""Which runtime the practice network says it is: the names and layout of spec 343."""

from __future__ import annotations

from ranvier.sandbox.composites import Tuple, Vec, struct, wrapper
from ranvier.sandbox.scale import TEXT, U8, U32, Alias, FixedBytes
from ranvier.sandbox.storage import blake2b_64

SPEC_NAME = "node-subtensor"
SPEC_VERSION = 343
TRANSACTION_VERSION = 1
_API_VERSIONS = {
    "Core": 5,
    "Metadata": 2,
    "TaggedTransactionQueue": 3,
    "AccountNonceApi": 1,
    "TransactionPaymentApi": 4,
    "StakeInfoRuntimeApi": 1,
    "SubnetInfoRuntimeApi": 1,
    "SwapRuntimeApi": 1,
    "NeuronInfoRuntimeApi": 1,
    "DelegateInfoRuntimeApi": 1,
    "SubnetRegistrationRuntimeApi": 1,
}

COW_TEXT = Alias(wrapper("Cow", TEXT, T=TEXT), "Cow<'static, str>")
_API_LIST = Vec(Tuple((FixedBytes(8), U32)))
RUNTIME_VERSION = struct(
    "sp_version::RuntimeVersion",
    {
        "spec_name": COW_TEXT,
        "impl_name": COW_TEXT,
        "authoring_version": U32,
        "spec_version": U32,
        "impl_version": U32,
        "apis": Alias(wrapper("Cow", _API_LIST, T=_API_LIST), "ApisVec"),
        "transaction_version": U32,
        "system_version": U8,
    },
)
APIS = [(blake2b_64(name.encode()), version) for name, version in _API_VERSIONS.items()]
VERSION_VALUE = {
    "spec_name": SPEC_NAME,
    "impl_name": SPEC_NAME,
    "authoring_version": 1,
    "spec_version": SPEC_VERSION,
    "impl_version": 1,
    "apis": APIS,
    "transaction_version": TRANSACTION_VERSION,
    "system_version": 1,
}
