"""The page's style: system fonts, light and dark, phone, desk and paper."""

_LIGHT = """
--paper: #fff; --ink: #1a202c; --soft: #4a5568; --line: #d9dee6; --panel: #f6f8fa; --warn: #975a16;
--normal: #2b6cb0; --anomaly: #c53030;
--s0: #2b6cb0; --s1: #c05621; --s2: #2f855a; --s3: #805ad5; --s4: #b83280; --s5: #4a5568; --s6: #0987a0; --s7: #8a6d00;
"""
_DARK = """
--paper: #14181f; --ink: #e6eaf0; --soft: #a3adba; --line: #343c48; --panel: #1c222b; --warn: #ecc26b;
--normal: #63b3ed; --anomaly: #fc8181;
--s0: #63b3ed; --s1: #f6ad55; --s2: #68d391; --s3: #b794f4; --s4: #f687b3; --s5: #cbd5e0; --s6: #4fd1d9; --s7: #e0c341;
"""
_SERIES = "".join(
    f".s{i} {{ stroke: var(--s{i}); }} .dot.s{i} {{ fill: var(--s{i}); stroke: var(--paper); }}\n"
    f".dot.few.s{i} {{ fill: var(--paper); stroke: var(--s{i}); stroke-width: 2.5; }}\n"
    for i in range(8)
)

STYLE = (
    f":root {{ color-scheme: light dark; {_LIGHT} }}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}\n"
    """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; padding-top: .75rem; border-top: 2px solid var(--line); }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
h1, h2, h3, p, figcaption, caption, a { overflow-wrap: anywhere; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--normal); }
.soft, figcaption, small { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .875rem; max-width: 46rem; margin-top: .35rem; }
img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
.scroll { overflow-x: auto; }
.scroll.wide img { min-width: 56rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem;
  align-items: start; }
.pair > * { min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9.5rem), 1fr)); gap: .75rem;
  margin: 1rem 0; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; font-size: .875rem; line-height: 1.35; }
.by-labels { border: 2px dashed var(--warn); border-radius: 8px; padding: .5rem .9rem; margin: 1rem 0; }
.by-labels strong { color: var(--warn); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: bottom; }
.n { text-align: right; }
th.n { min-width: 5.25rem; }
td.n, td:first-child { white-space: nowrap; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 13px; fill: var(--soft); }
.mid { text-anchor: middle; } .end { text-anchor: end; }
.grid { stroke: var(--line); fill: none; }
.chance { stroke: var(--soft); stroke-dasharray: 5 4; fill: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.dashed { stroke-dasharray: 7 3; }
.dot { stroke-width: 1.5; }
.dot.labelled { fill: var(--paper); stroke: var(--warn); stroke-width: 2.5; }
.run { white-space: nowrap; }
.key { display: inline-block; width: 1.6rem; height: .7rem; margin-right: .4rem; }
.ridges { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; column-gap: .9rem; font-size: .9rem; }
.ridges .name { align-self: end; overflow-wrap: anywhere; max-width: 16rem; }
span.normal { color: var(--normal); } span.anomaly { color: var(--anomaly); }
.bars { position: relative; height: 32px; border-bottom: 1px solid var(--line); }
.bars svg { height: 100%; }
.bars.normal path { fill: var(--normal); } .bars.anomaly path { fill: var(--anomaly); }
.bars i { position: absolute; top: 0; bottom: -1px; border-left: 1.5px dashed var(--soft); }
.ticks { position: relative; height: 1.6rem; font-size: .8rem; color: var(--soft); }
.ticks span { position: absolute; transform: translateX(-50%); }
details { border: 1px solid var(--line); border-radius: 8px; padding: .4rem .9rem; margin: .75rem 0; }
summary { cursor: pointer; }
pre { overflow-x: auto; font: .8rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
@media (max-width: 40rem) {
  svg text { font-size: 15px; }
  .ridges { grid-template-columns: 1fr; }
  .ridges .name { margin-top: .4rem; max-width: none; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-before: page; } h2:first-of-type { break-before: auto; }
  h2, h3 { break-after: avoid; }
  .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
  table { font-size: 8pt; } th.n { min-width: 0; }
  figure, svg, tr, .tiles, .by-labels { break-inside: avoid; }
  .scroll { overflow: visible; } .scroll.wide img { min-width: 0; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  details::details-content { content-visibility: visible; height: auto; }
  nav { display: none; }
  .bars path, .bars svg, .tile { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""" + _SERIES
)
