# SPDX-License-Identifier: Apache-2.0
"""spec/configs.toml -> the table behind hw::configs(), with the CFGROM contents of every configuration."""
from . import registers
from .text import CPP_NOTE, quoted
from .toml import load_toml

SOURCE = "spec/configs.toml"
PRECISION_BIT = {"int8": 0, "int16": 1, "fp16": 2}


def load(spec_dir):
    raw = load_toml(spec_dir / "configs.toml")
    known = set(raw["defaults"]) | {"name", "atomic_c", "atomic_k", "memory_atom", "cbuf", "sdp_bs_throughput", "sdp_bn_throughput",
                                    "sdp_ew_throughput", "pdp_throughput", "cdp_throughput", "dbb_bus_bits", "dbb_max_burst", "dbb_latency"}
    configs = []
    for own in raw["config"]:
        config = {**raw["defaults"], **own}
        if set(config) != known:
            raise SystemExit(f"{SOURCE}: {own['name']}: unknown or missing keys: {sorted(set(config) ^ known)}")
        configs.append(config)
    return configs


def entry(c):
    bits = sum(1 << PRECISION_BIT[p] for p in c["precisions"])
    flag = lambda key: "true" if c[key] else "false"
    rom = f"kCfgrom_{c['name']}" if c["register_map"] == "v2" else "{}"
    banks, entries, width = c["cbuf"]
    return [f"    {{.name = {quoted(c['name'])},",
            f"     .register_map = RegisterMap::k{c['register_map'].upper()},",
            f"     .atomic_c = {c['atomic_c']}, .atomic_k = {c['atomic_k']}, .memory_atom = {c['memory_atom']},",
            f"     .cbuf_banks = {banks}, .cbuf_bank_entries = {entries}, .cbuf_entry_bytes = {width},",
            f"     .precision_bits = {bits}, .winograd = {flag('winograd')}, .weight_compression = {flag('weight_compression')},",
            f"     .max_batch = {c['max_batch']}, .bdma = {flag('bdma')}, .rubik = {flag('rubik')}, .pdp = {flag('pdp')}, "
            f".cdp = {flag('cdp')}, .sdp_lut = {flag('sdp_lut')}, .sram = {flag('sram')},",
            f"     .throughput = {{.sdp_bs = {c['sdp_bs_throughput']}, .sdp_bn = {c['sdp_bn_throughput']}, "
            f".sdp_ew = {c['sdp_ew_throughput']}, .pdp = {c['pdp_throughput']}, .cdp = {c['cdp_throughput']}}},",
            f"     .dbb = {{.bus_bits = {c['dbb_bus_bits']}, .max_burst = {c['dbb_max_burst']}, .latency = {c['dbb_latency']}}},",
            f"     .sram_port = {{.bus_bits = {c['sram_bus_bits']}, .max_burst = {c['sram_max_burst']}, .latency = {c['sram_latency']}}},",
            f"     .address_bits = {c['address_bits']}, .dma_address_alignment = {c['dma_address_alignment']}, "
            f".pdp_line_buffer_int8 = {c['pdp_line_buffer_int8']}, .max_clock_mhz = {c['max_clock_mhz']},",
            f"     .cfgrom = {rom}}},"]


def cfgrom_words(block, c):
    """The reset values are those of nv_small; what HwConfig knows replaces them for the other configurations."""
    banks, entries, width = c["cbuf"]
    known = {"ATOMIC_C": c["atomic_c"], "ATOMIC_K": c["atomic_k"], "ATOMIC_M": c["memory_atom"], "CBUF_BANK_NUM": banks,
             "CBUF_BANK_WIDTH": width, "CBUF_BANK_DEPTH": entries, "SDP_BS_THROUGHPUT": c["sdp_bs_throughput"],
             "SDP_BN_THROUGHPUT": c["sdp_bn_throughput"], "SDP_EW_THROUGHPUT": c["sdp_ew_throughput"],
             "PDP_BASE_THROUGHPUT": c["pdp_throughput"], "CDP_BASE_THROUGHPUT": c["cdp_throughput"]}
    words = []
    for r in block.registers:
        value = r.reset("v2")
        for key, known_value in known.items():
            if r.name.endswith(key):
                value = known_value
        words.append(value)
    return words


def generate(spec_dir):
    block = registers.load_block(spec_dir, "cfgrom")
    configs = load(spec_dir)
    out = [CPP_NOTE.format(source=SOURCE) + "// Table of the hardware configurations.", '#include "hw/config.hpp"', "",
           "namespace medlar::hw {", "namespace {", ""]
    for c in configs:
        if c["register_map"] != "v2":
            continue
        words = cfgrom_words(block, c)
        out.append(f"constexpr uint32_t kCfgrom_{c['name']}[] = {{")
        for i in range(0, len(words), 12):
            out.append("    " + ", ".join(f"{w:#x}" for w in words[i:i + 12]) + ",")
        out.append("};")
    out += ["", "constexpr HwConfig kConfigs[] = {"]
    for c in configs:
        out += entry(c)
    out += ["};", "", "}  // namespace", "", "std::span<const HwConfig> configs() { return kConfigs; }", "", "}  // namespace medlar::hw"]
    return {"configs.cpp": "\n".join(out) + "\n"}
