// What is drawn on a chart of a load beside its lines: marks, what is not usable, the limit and the newest value in words.

import { kw } from "../lib/format.js";

const FONT = "system-ui, sans-serif";
const HATCH_PX = 7;
const ROOM_PX = 4;

export function colour(name) {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Return how large the page's text is: 1 for 16 px. The wall mode has larger type. */
export function textScale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

/** Return a font for a canvas, whose size follows that of the page's text; `px` is that at 16 px. */
export function font(px, weight = "") {
  return `${weight} ${Math.round(px * textScale())}px ${FONT}`.trim();
}

/** Return how wide the longest of some texts is, in px of the page. */
export function widest(plot, texts, px) {
  const { ctx } = plot;
  ctx.save();
  ctx.font = font(px);
  const width = Math.max(0, ...texts.map((each) => ctx.measureText(each).width));
  ctx.restore();
  return width;
}

/** Draw a line with its shape for each mark, [unix second, shape], that lies in the chart. */
export function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--soft")();
  ctx.font = font(12 * devicePixelRatio);
  ctx.textAlign = "center";
  ctx.setLineDash([2, 3]);
  for (const [second, shape] of marks) {
    if (second < plot.scales.x.min || second > plot.scales.x.max) continue;
    const x = Math.round(plot.valToPos(second, "x", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + 16 * devicePixelRatio);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(shape, x, bbox.top + 11 * devicePixelRatio);
  }
  ctx.restore();
}

/** Hatch what lies between the limits and what is rated above them: it is not usable. `words` name it. */
export function drawUnusable(plot, seconds, limits, rated, words) {
  const { ctx, bbox } = plot;
  const place = (value, scale) => plot.valToPos(value, scale, true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = hatched(ctx);
  let last = null; // the newest part, in which the words stand
  for (let at = 0; at < seconds.length; at += 1) {
    if (limits[at] === null || !(rated[at] > limits[at] + 0.05)) continue;
    const next = at + 1 < seconds.length && limits[at + 1] !== null ? seconds[at + 1] : seconds[at];
    const [left, right, top, bottom] = [place(seconds[at], "x"), place(next, "x"), place(rated[at], "y"), place(limits[at], "y")];
    ctx.fillRect(left, top, Math.max(right - left, 0), bottom - top);
    last = last && last.top === top && last.bottom === bottom ? { ...last, right } : { left, right, top, bottom };
  }
  if (last && words) inHatch(plot, last, words);
  ctx.restore();
}

/** Write into the middle of a hatched part, up to its end; on a ground of its own, so that it can be read. */
function inHatch({ ctx, bbox }, { right, top, bottom }, words) {
  const px = 11 * devicePixelRatio;
  ctx.font = font(px);
  const room = ROOM_PX * devicePixelRatio;
  const height = px * textScale();
  if (bottom - top < height + room) return;
  let shown = words;
  while (shown.length > 3 && ctx.measureText(shown).width + 3 * room > right - bbox.left) shown = `${shown.slice(0, -2).trimEnd()}…`;
  if (shown.length <= 3) return;
  const width = ctx.measureText(shown).width;
  const [x, y] = [right - width - 3 * room, (top + bottom) / 2];
  ctx.fillStyle = colour("--panel")();
  ctx.fillRect(x, y - height * 0.7, width + 2 * room, height * 1.4);
  ctx.fillStyle = colour("--text")();
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(shown, x + room, y);
}

function hatched(ctx) {
  const size = HATCH_PX * devicePixelRatio;
  const tile = document.createElement("canvas");
  [tile.width, tile.height] = [size, size];
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour("--soft")();
  pen.globalAlpha = 0.55;
  pen.lineWidth = devicePixelRatio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
}

/** Write the limit at the end of its line, so that it is read without the axis; below the line where there is no room above. */
export function drawLimit(plot, kwNow, hatched) {
  if (kwNow === null || kwNow === undefined) return;
  const { ctx, bbox } = plot;
  const px = 11 * devicePixelRatio;
  const height = px * textScale();
  const y = plot.valToPos(kwNow, "y", true);
  if (y < bbox.top - 1 || y > bbox.top + bbox.height) return;
  const above = !hatched && y - height - ROOM_PX > 0;
  ctx.save();
  ctx.font = font(px);
  ctx.fillStyle = colour("--text")();
  ctx.textAlign = "left";
  ctx.textBaseline = above ? "bottom" : "top";
  const words = `limit ${kw(kwNow)}`;
  const [x, at] = [bbox.left + bbox.width - ctx.measureText(words).width - ROOM_PX * devicePixelRatio, y + (above ? -3 : 4) * devicePixelRatio];
  const ground = ctx.fillStyle;
  ctx.fillStyle = colour("--panel")();
  ctx.fillRect(x - 2, above ? at - height : at, ctx.measureText(words).width + 4, height);
  ctx.fillStyle = ground;
  ctx.fillText(words, x, at);
  ctx.restore();
}

/** Draw the newest value: a dot, and near the limit another shape (△, above it ▲), and where what is to come begins. */
export function drawNow(plot, second, load, level, ahead) {
  const { ctx, bbox } = plot;
  if (second < plot.scales.x.min || second > plot.scales.x.max) return;
  const x = plot.valToPos(second, "x", true);
  ctx.save();
  if (ahead) {
    ctx.strokeStyle = colour("--soft")();
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(Math.round(x) + 0.5, bbox.top);
    ctx.lineTo(Math.round(x) + 0.5, bbox.top + bbox.height);
    ctx.stroke();
  }
  if (load !== null) {
    ctx.setLineDash([]); // that of the line before would break the shape
    const y = plot.valToPos(load, "y", true);
    const size = (level === "normal" ? 3.5 : 6) * devicePixelRatio;
    ctx.fillStyle = ctx.strokeStyle = lineColour(level);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    if (level === "normal") ctx.arc(x, y, size, 0, 2 * Math.PI);
    else {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y + size * 0.8);
      ctx.lineTo(x - size, y + size * 0.8);
      ctx.closePath();
    }
    if (level === "warning") {
      ctx.fillStyle = colour("--panel")();
      ctx.fill();
      ctx.stroke();
    } else ctx.fill();
  }
  ctx.restore();
}

/** Return the colour of a load by its level: that of the others only where it is near its limit or above it. */
export function lineColour(level) {
  return colour({ critical: "--critical", warning: "--warning", normal: "--series-1" }[level])();
}
