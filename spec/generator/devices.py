# SPDX-License-Identifier: Apache-2.0
"""spec/devices.toml (and configs.toml) -> the table behind hw::devices()."""
from . import configs
from .text import CPP_NOTE, quoted
from .toml import load_toml

SOURCE = "spec/devices.toml"
REQUIRED = {"name", "config", "cores", "macs_int8", "macs_fp16", "modes", "default_mode", "dram_bytes", "dram_efficiency", "cma_bytes", "sram_bytes",
            "sram_shared", "transition_us", "max_loadables", "hwc4_alignment", "note", "gpu", "cpu", "dla_energy", "dla_submit_us", "dla_operation_us", "platform", "os_bytes", "cuda_bytes"}
OPTIONAL = {"dla_watts"}
ENERGY_KEYS = ("static_watts", "clock_watts_per_ghz", "pj_mac_int8", "pj_mac_fp16", "pj_mac_fp32", "pj_element", "pj_dram_byte",
               "pj_sram_byte", "counts_dram")
HOST_RATES = ("macs_int8", "macs_fp16", "macs_fp32", "elements", "reached", "dram_share", "launch_us")
MODE_KEYS = ("dla_hz", "dram_bytes_per_second", "gpu_hz", "gpu_units", "cpu_hz", "cpu_units")
PLATFORM = {"compatible", "base", "aperture_bytes", "irq", "smmu", "power_domains", "regulator", "carve_outs", "power_idle_us", "power_wake_us",
            "clock_wake_ns"}


def load(spec_dir):
    raw = load_toml(spec_dir / "devices.toml")
    hardware = configs.load(spec_dir)
    devices = []
    for device in raw["device"]:
        keys = set(device)
        if not REQUIRED <= keys or keys - REQUIRED - OPTIONAL:
            raise SystemExit(f"{SOURCE}: {device['name']}: missing {sorted(REQUIRED - keys)}, unknown {sorted(keys - REQUIRED - OPTIONAL)}")
        if device["default_mode"] not in [m["name"] for m in device["modes"]]:
            raise SystemExit(f"{SOURCE}: {device['name']}: no mode {device['default_mode']}")
        devices.append({**device, "label": "kModelled"})
    devices += [open_core(raw["defaults"]["nvdla"], config) for config in hardware]
    for device in devices:
        resolve_host(device, raw["host"])
        resolve_energy(device, raw["energy"])
        check_platform(device, raw["platform"])
    names = [d["name"] for d in devices]
    if raw["default"] not in names or len(set(names)) != len(names):
        raise SystemExit(f"{SOURCE}: default or duplicate name wrong: {names}")
    return devices, raw["default"], [c["name"] for c in hardware], raw["platform"]


def check_platform(device, platforms):
    platform = platforms.get(device["platform"], {})
    if set(platform) != PLATFORM:
        raise SystemExit(f"{SOURCE}: {device['name']}: platform {device['platform']}: keys differ: {sorted(set(platform) ^ PLATFORM)}")
    for key in ("base", "irq", "smmu", "power_domains"):
        if len(platform[key]) < device["cores"]:
            raise SystemExit(f"{SOURCE}: {device['name']}: platform {device['platform']}: {key} has fewer entries than {device['cores']} cores")


def resolve_host(device, units):
    """Names of GPU and CPU become their rates; the modes must name every clock."""
    for engine in ("gpu", "cpu"):
        name = device[engine]
        if name and (name not in units or set(units[name]) != set(HOST_RATES)):
            raise SystemExit(f"{SOURCE}: {device['name']}: {engine} {name}: needs [host.{name}] with {', '.join(HOST_RATES)}")
        device[engine] = {"name": name, **(units[name] if name else {})}
    for mode in device["modes"]:
        if set(mode) != {"name", *MODE_KEYS}:
            raise SystemExit(f"{SOURCE}: {device['name']}: mode {mode['name']}: needs exactly name, {', '.join(MODE_KEYS)}")


def resolve_energy(device, energies):
    """Names of energy tables become their costs: of the DLA, and of GPU and CPU by the unit's name."""
    for owner, key, name in ((device, "dla_energy", device["dla_energy"]), (device["gpu"], "energy", device["gpu"]["name"]),
                             (device["cpu"], "energy", device["cpu"]["name"])):
        costs = energies.get(name) if isinstance(name, str) and name else name or {}
        if costs is None or set(costs) - set(ENERGY_KEYS):
            raise SystemExit(f"{SOURCE}: {device['name']}: needs [energy.{name}] with some of {', '.join(ENERGY_KEYS)}")
        owner[key] = costs


def open_core(base, config):
    macs = config["atomic_c"] * config["atomic_k"]
    bandwidth = base["dram_bytes_per_second"][str(macs)]
    return {"name": f"nvdla-{config['name']}", "label": "kBitExact", "config": config["name"], "cores": 1, "macs_int8": macs,
            "macs_fp16": macs // 2 if "fp16" in config["precisions"] else 0, "default_mode": "1GHz",
            "modes": [{"name": "1GHz", "dla_hz": base["clock_hz"], "dram_bytes_per_second": bandwidth, "gpu_hz": 0, "gpu_units": 0,
                       "cpu_hz": base["cpu_hz"], "cpu_units": base["cpu_units"]}],
            "gpu": "", "cpu": base["cpu"], "dla_energy": open_energy(base, config), "dla_submit_us": 0, "dla_operation_us": 0,
            "dram_bytes": base["dram_bytes"], "dram_efficiency": base["dram_efficiency"], "cma_bytes": base["cma_bytes"], "sram_bytes": base["sram_bytes"] if config["sram"] else 0,
            "sram_shared": False, "transition_us": base["transition_us"], "max_loadables": base["max_loadables"],
            "hwc4_alignment": 32, "dla_watts": [active_watts(base, macs)] * 2, "note": base["note"],
            "platform": base["platform"], "os_bytes": base["os_bytes"], "cuda_bytes": base["cuda_bytes"]}


def open_energy(base, config):
    """The primer's fit: a constant, CBUF, the clocked array, and what an operation and a byte cost."""
    fit = base["energy"]
    macs = config["atomic_c"] * config["atomic_k"]
    kibibytes = config["cbuf"][0] * config["cbuf"][1] * config["cbuf"][2] / 1024
    return {"static_watts": round(fit["static_watts"] + fit["static_watts_per_cbuf_kib"] * kibibytes, 6),
            "clock_watts_per_ghz": round(fit["clock_watts_per_ghz_mac"] * macs, 6), "pj_mac_int8": fit["pj_mac_int8"],
            "pj_mac_fp16": fit["pj_mac_fp16"], "pj_dram_byte": fit["pj_byte"], "pj_sram_byte": fit["pj_byte"]}


def active_watts(base, macs):
    constant, slope = base["active_milliwatts"]
    return round((constant + slope * macs) / 1000, 4)


def generate(spec_dir):
    devices, default, config_names, platforms = load(spec_dir)
    out = [CPP_NOTE.format(source=f"{SOURCE} and spec/configs.toml") + "// Table of the device profiles.", '#include "hw/device.hpp"', "",
           "namespace medlar::hw {", "namespace {", ""]
    for d in devices:
        out.append(f"constexpr PowerMode {modes_name(d)}[] = {{")
        out += [f"    {{.name = {quoted(m['name'])}, " + ", ".join(f".{key} = {m[key]}" for key in MODE_KEYS) + "}," for m in d["modes"]]
        out.append("};")
    for name, platform in platforms.items():
        out += platform_entry(name, platform)
    out += ["", "}  // namespace", "", "std::span<const DeviceProfile> devices() {",
            "  static const std::span<const HwConfig> kHardware = configs();", "  static const DeviceProfile kDevices[] = {"]
    for d in devices:
        out += entry(d, config_names)
    index = [d["name"] for d in devices].index(default)
    out += ["  };", "  return kDevices;", "}", "", f"const DeviceProfile& default_device() {{ return devices()[{index}]; }}", "",
            "}  // namespace medlar::hw"]
    return {"devices.cpp": "\n".join(out) + "\n"}


def modes_name(d):
    return "kModes_" + d["name"].replace("-", "_")


def identifier(name):
    return name.replace("-", "_")


def platform_entry(name, p):
    """Arrays first, then the Platform that points to them."""
    tag = identifier(name)
    texts = lambda values: ", ".join(quoted(v) for v in values)  # noqa: E731
    numbers = lambda values: ", ".join(str(v) for v in values)  # noqa: E731
    out = [f"constexpr uint64_t kBase_{tag}[] = {{{numbers(p['base'])}}};", f"constexpr uint32_t kIrq_{tag}[] = {{{numbers(p['irq'])}}};",
           f"constexpr std::string_view kSmmu_{tag}[] = {{{texts(p['smmu'])}}};",
           f"constexpr std::string_view kDomain_{tag}[] = {{{texts(p['power_domains'])}}};"]
    carve_outs = "{}"
    if p["carve_outs"]:
        rows = ", ".join(f"{{{quoted(c['name'])}, {c['bytes']}}}" for c in p["carve_outs"])
        out.append(f"constexpr CarveOut kCarveOuts_{tag}[] = {{{rows}}};")
        carve_outs = f"kCarveOuts_{tag}"
    out += [f"constexpr Platform kPlatform_{tag} = {{",
            f"    .name = {quoted(name)}, .compatible = {quoted(p['compatible'])}, .base = kBase_{tag}, .aperture_bytes = {p['aperture_bytes']},",
            f"    .irq = kIrq_{tag}, .smmu = kSmmu_{tag}, .power_domains = kDomain_{tag}, .regulator = {quoted(p['regulator'])},",
            f"    .carve_outs = {carve_outs}, .power_idle_us = {p['power_idle_us']}, .power_wake_us = {p['power_wake_us']}, "
            f".clock_wake_ns = {p['clock_wake_ns']}}};"]
    return out


def entry(d, config_names):
    low, typical, high = d["transition_us"]
    watts = "" if "dla_watts" not in d else f" .dla_watts_min = {d['dla_watts'][0]}, .dla_watts_max = {d['dla_watts'][1]},"
    mode = [m["name"] for m in d["modes"]].index(d["default_mode"])
    return [f"      {{.name = {quoted(d['name'])}, .label = Label::{d['label']}, .config = &kHardware[{config_names.index(d['config'])}],",
            f"       .dla_cores = {d['cores']}, .macs_int8 = {d['macs_int8']}, .macs_fp16 = {d['macs_fp16']},",
            f"       .modes = {modes_name(d)}, .default_mode = {mode},",
            f"       .dram_bytes = {d['dram_bytes']}, .dram_efficiency = {d['dram_efficiency']}, .cma_bytes = {d['cma_bytes']}, .sram_bytes = {d['sram_bytes']}, "
            f".sram_shared = {'true' if d['sram_shared'] else 'false'},",
            f"       .transition = {{.min_us = {low}, .typical_us = {typical}, .max_us = {high}}},",
            f"       .gpu = {host_unit(d['gpu'])},", f"       .cpu = {host_unit(d['cpu'])},",
            f"       .dla_energy = {energy(d['dla_energy'])}, .dla_submit_us = {d['dla_submit_us']}, .dla_operation_us = {d['dla_operation_us']},{watts}",
            f"       .max_loadables = {d['max_loadables']}, .hwc4_alignment = {d['hwc4_alignment']},",
            f"       .platform = &kPlatform_{identifier(d['platform'])}, .os_bytes = {d['os_bytes']}, .cuda_bytes = {d['cuda_bytes']},",
            f"       .note = {quoted(d['note'])}}},"]


def host_unit(unit):
    rates = [f".{key} = {unit[key]}" for key in HOST_RATES if key in unit]
    return "{" + ", ".join([f".name = {quoted(unit['name'])}"] + rates + [f".energy = {energy(unit['energy'])}"]) + "}"


def energy(costs):
    return "{" + ", ".join(f".{key} = {str(costs[key]).lower()}" for key in ENERGY_KEYS if key in costs) + "}"
