// Coded events on the timeline: a row for each tier of the scheme, and for each coder where there are several.

import { word } from "./words.js";

export const TIER = 16;  // height of a row
const INKS = ["#4f7fb8", "#b0763a", "#7d8a4e", "#9a5f8f", "#4c8c86", "#a8604f"];

export function tiersOf(scheme, codes) {  // those of the scheme, and of codes from an earlier one
  const names = [...new Set([...scheme.tiers.map((tier) => tier.name), ...codes.map((one) => one.tier)])];
  return names.flatMap((tier) => {
    const coders = [...new Set(codes.filter((one) => one.tier === tier).map((one) => one.coder))].sort();
    return coders.length < 2 ? [{ tier, coder: null, label: tier }] : coders.map((coder) => ({ tier, coder, label: `${tier} · ${coder}` }));
  });
}

export function drawCodes(line, ctx, ink) {
  const { tiers = [], codes = [] } = line.coded ?? {};
  tiers.forEach(({ tier, coder, label }, row) => {
    const top = line.top("codes") + row * TIER, names = [...new Set(codes.filter((one) => one.tier === tier).map((one) => one.code))].sort();
    for (const one of codes) {
      if (one.tier !== tier || (coder !== null && one.coder !== coder)) continue;
      const left = line.x(one.first), right = Math.max(left + 2, line.x(one.last + 1));
      if (right < 0 || left > line.wide) continue;
      ctx.fillStyle = INKS[names.indexOf(one.code) % INKS.length];
      ctx.globalAlpha = 0.75;
      ctx.fillRect(left, top + 2, right - left, TIER - 4);
      ctx.globalAlpha = 1;
      const text = word("codes", one.code);
      if (right - left > ctx.measureText(text).width + 6) {
        ctx.fillStyle = "#fff";
        ctx.fillText(text, Math.max(2, left) + 3, top + 12);
      }
    }
    ctx.fillStyle = ink.surface;
    ctx.globalAlpha = 0.8;
    ctx.fillRect(2, top + 2, ctx.measureText(label).width + 4, TIER - 4);
    ctx.globalAlpha = 1;
    ctx.fillStyle = ink.quiet;
    ctx.fillText(label, 4, top + 12);
  });
}
