"""From a flight bundle to a TensorRT engine for this machine."""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from onboard import bundle as bundles
from onboard import files, strict_yaml
from onboard.errors import InputError
from onboard.signing import PublicKey, signature_of
from onboard.trt import gpu as gpus
from onboard.trt import graph, library, log, placement, settings, timing
from onboard.trt.gpu import Gpu
from onboard.trt.manifest import ENGINE, MANIFEST, EngineManifest, Library

ENGINES = "engines"


class Options(msgspec.Struct, frozen=True):
    """What the command line may choose.

    Attributes:
        precision: fp32, fp16 or int8 refuses a graph that is another; auto takes any.
        workspace_mb: limit of the builder's scratch memory in MiB, or TensorRT's own.
        dla: the DLA core to run on, or None for the GPU.
        out: the engine's folder; None for BUNDLE/engines/ and a name made of library, GPU and precision.
        runtime: tensorrt or tensorrt_rtx; None for the first that is installed.
        public_key: whose owner must have signed the bundle; None: signatures are not looked at.
    """

    precision: str = "auto"
    workspace_mb: int | None = None
    dla: int | None = None
    out: Path | None = None
    runtime: str | None = None
    public_key: Path | None = None


def build(folder: Path, options: Options) -> Path:
    """Build an engine and its manifest; an earlier engine in the same place is replaced by a finished one only.

    Returns:
        The engine's folder, which holds model.engine, engine.yaml and timing.cache.

    Raises:
        InputError: no TensorRT; the bundle is altered, or not signed as asked; TensorRT refuses the graph or cannot
            build it.
        KeyboardInterrupt: stopped; nothing was written.
    """
    if options.workspace_mb is not None and options.workspace_mb < 1:
        raise InputError(f"--workspace-mb {options.workspace_mb}: 1 or more is needed")
    if options.dla is not None and options.dla < 0:
        raise InputError(f"--dla {options.dla}: the number of a DLA core is needed, 0 or more")
    trt = library.load(options.runtime)
    bundle = bundles.read(folder, None if options.public_key is None else PublicKey.load(options.public_key))
    here, made_by = gpus.find(), Library(trt.__name__, trt.__version__)
    print(f"{made_by.name} {made_by.version} on {here}", flush=True)
    model, windows = folder / bundle.manifest.model, bundle.manifest.crop.window_shapes
    logger = log.logger(trt)
    builder = _builder(trt, logger)
    network, typed = graph.create(trt, builder)
    graph.parse(trt, network, model, logger)
    graph.check_inputs(network, windows, model)
    precision = graph.precision(trt, network)
    settings.check_precision(options.precision, precision, model)
    config = builder.create_builder_config()
    settings.set_types(trt, config, network, precision, typed)
    if options.workspace_mb is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    if options.dla is not None:
        settings.set_dla(trt, builder, config, network, options.dla, precision, windows)
    settings.add_profiles(builder, config, windows)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # the inspector then tells each layer's place
    out = options.out or folder / ENGINES / _name(made_by, here, precision, options.dla)
    timing.attach(config, out)
    profiles = bundle.manifest.crop.profiles
    print(f"building {model} in {precision}, windows {list(profiles)}; this takes minutes on a Jetson", flush=True)
    blob = _run(trt, builder, network, config, logger, model)
    data = bytes(blob)
    manifest = EngineManifest(
        format=1,
        model_sha256=bundle.manifest.files[bundle.manifest.model],
        engine_sha256=hashlib.sha256(data).hexdigest(),
        gpu=here,
        library=made_by,
        precision=precision,  # type: ignore[arg-type]
        strongly_typed=typed,
        tf32=config.get_flag(trt.BuilderFlag.TF32),
        profiles=profiles,
        workspace_mb=options.workspace_mb,
        dla_core=options.dla,
        timing_cache_sha256=None,
        placement=_placement(trt, blob, logger, here, options.dla is not None),
    )
    _write(out, data, config, manifest)
    return out


def _builder(trt: Any, logger: Any) -> Any:
    try:
        return trt.Builder(logger)
    except (TypeError, RuntimeError) as error:  # pybind's words for a null pointer
        raise InputError(
            f"{trt.__name__} {trt.__version__} cannot make a builder ({logger.text()}); it needs NVIDIA's driver and a "
            "GPU: check nvidia-smi, or tegrastats on a Jetson, and --runtime nvidia in a container"
        ) from error


def _run(trt: Any, builder: Any, network: Any, config: Any, logger: Any, model: Path) -> Any:
    logger.errors.clear()
    with log.ctrl_c_noted() as stopped:
        phases = log.monitor(trt, stopped)
        if phases is not None and hasattr(config, "progress_monitor"):
            config.progress_monitor = phases
        blob = builder.build_serialized_network(network, config)
    if blob is None:
        raise InputError(
            f"{model}: {trt.__name__} {trt.__version__} cannot build this graph: {logger.text()}. "
            "A node named above is the ONNX graph's; where memory ran out, close other programs or give "
            "--workspace-mb; ONNX Runtime flies the bundle as it is"
        )
    return blob


def _placement(trt: Any, blob: Any, logger: Any, here: Gpu, on_dla: bool) -> placement.Placement | None:
    """Read the engine back on the GPU that it is for."""
    if here == Gpu():
        return None
    runtime = trt.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(blob)
    if engine is None:
        raise InputError(f"the engine was built, but this machine cannot read it back: {logger.text()}")
    return placement.read(trt, engine, on_dla)


def _name(made_by: Library, here: Gpu, precision: str, dla: int | None) -> str:
    gpu = "no-gpu" if here == Gpu() else f"{here.name}-sm{here.compute_capability.replace('.', '')}"
    parts = [f"{made_by.name}-{made_by.version}", gpu, precision, *([f"dla{dla}"] if dla is not None else [])]
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", "-".join(parts))


def _write(out: Path, data: bytes, config: Any, manifest: EngineManifest) -> None:
    """The manifest goes first and comes last: an engine without one is no engine. An old one's signature goes too."""
    out.mkdir(parents=True, exist_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)
    signature_of(out / MANIFEST).unlink(missing_ok=True)
    cache_hash = timing.write(config, out)
    files.write_bytes(out / ENGINE, data)
    finished = msgspec.structs.replace(manifest, timing_cache_sha256=cache_hash)
    files.write_text(out / MANIFEST, strict_yaml.dump(finished))
