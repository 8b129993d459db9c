"""How the page looks: one column, light and dark, and on paper."""

STYLE = """
:root { color-scheme: light dark;
  --paper: #ffffff; --card: #f6f8fa; --ink: #1b1f24; --soft: #57606a; --line: #d5dae1; --grid: #e7eaee;
  --shade: 0, 114, 178;
  --good: #12703a; --bad: #a8201a; --alarm: #fff1e5; --alarm-line: #c4540a; --fine: #e8f4ec; --fine-line: #12703a;
  --s0: #0072b2; --s1: #c4540a; --s2: #00805e; --s3: #a8498a; --s4: #8a6d00; --s5: #3f51b5; --s6: #6d6d6d;
  --s7: #2b8ab5; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #15181c; --card: #1d2127; --ink: #e6e8ec; --soft: #9aa4b0; --line: #39414b; --grid: #262c33;
  --shade: 86, 180, 233;
  --good: #5fce8d; --bad: #ff8a80; --alarm: #3a2415; --alarm-line: #e8833a; --fine: #16301f; --fine-line: #5fce8d;
  --s0: #56b4e9; --s1: #f0873c; --s2: #2fc79a; --s3: #e08fc0; --s4: #e6c229; --s5: #9fa8da; --s6: #b0b0b0;
  --s7: #8fd3f4; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper);
  max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .2rem 0; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { max-width: 52rem; margin: .4rem 0; }
a { color: var(--s0); }
nav { font-size: .9rem; margin: .8rem 0; } nav a { display: inline-block; margin-right: 1rem; }
.note { color: var(--soft); font-size: .88rem; }
.research { display: inline-block; border: 1px solid var(--line); border-radius: .3rem; padding: 0 .5rem;
  font-size: .85rem; }
.banner { border-left: .35rem solid var(--alarm-line); background: var(--alarm); padding: .6rem .9rem;
  margin: 1rem 0; max-width: none; }
.banner.fine { border-color: var(--fine-line); background: var(--fine); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem;
  min-width: 9.5rem; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .82rem; color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr));
  gap: 1rem; align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem;
  break-inside: avoid; }
figcaption { font-size: .85rem; color: var(--soft); margin-top: .3rem; }
figure b { display: block; }
svg { display: block; width: 100%; height: auto; margin: 0 auto;
  font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .grid { stroke: var(--grid); }
  svg .axis { stroke: var(--soft); }
svg .chance { stroke: var(--soft); stroke-dasharray: 4 4; } svg .cell { fill: rgb(var(--shade)); }
  svg .frame { stroke: var(--line); fill: none; }
svg .on-dark { fill: var(--paper); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .92rem; }
th { text-align: left; font-weight: 600; vertical-align: bottom; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; vertical-align: top; }
td small { color: var(--soft); white-space: nowrap; }
.better { color: var(--good); font-weight: 600; } .worse { color: var(--bad); font-weight: 600; }
.open { color: var(--soft); font-style: italic; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem; }
.cases img { width: 100%; border-radius: .3rem; background: #000; display: block; }
.swatch { display: inline-block; width: 1.1em; height: .25em; vertical-align: middle; margin: 0 .3em 0 .8em; }
dl { display: grid; grid-template-columns: minmax(9rem, 14rem) 1fr; gap: .25rem 1rem; margin: .6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; margin: .6rem 0; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { :root { font-size: 12px; } body { max-width: none; padding: 0; font-size: 12px; } nav { display: none; }
  h2 { break-after: avoid; }
  tr, .tile, .cases figure { break-inside: avoid; } .scroll { overflow: visible; }
  .figures { grid-template-columns: 1fr 1fr; } summary { list-style: none; }
  details::details-content { content-visibility: visible; height: auto; } }
"""
"""Colours of lines are those of Okabe & Ito (2008), darker on white and lighter on black, so that all can be read."""
