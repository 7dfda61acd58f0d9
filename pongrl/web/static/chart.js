/* The learning curve, which people can zoom, move and read; and what every canvas of the page needs to be sharp. */

const SMALLEST_SPAN = 1000; // points: closer than that, single rows are all there is to see
const ZOOM_STEP = 1.5; // of a key or a button
const WHEEL_SPEED = 0.0015; // logarithm of the zoom for each pixel that a wheel turns
const PIXELS_OF_A_LINE = 16; // some browsers count a wheel in lines
const TICK_PIXELS = 64; // at least, between two numbers below the curve
const LARGEST_DOT = 3.5; // radius of an evaluation where there is room, in pixels
const SMALLEST_DOT = 1.25;
/** Shares of points won: the ends of the axis, its lines, their labels, and which column is read at a place. */
const SHARES = {
  low: 0, high: 1, lines: [0, 0.25, 0.5, 0.75, 1], label: (share) => `${100 * share} %`, column: "mean",
};
const MARGIN = { left: 46, right: 14, top: 26, bottom: 24 };
const FONT = "12px system-ui, sans-serif";

/** Return the colours of the style sheet, which differ between the light and the dark scheme. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const named = (name) => style.getPropertyValue(name).trim();
  return {
    panel: named("--panel"),
    line: named("--line"),
    dim: named("--dim"),
    text: named("--text"),
    accent: named("--accent"),
    blue: named("--blue"),
  };
}

/** Give a canvas as many pixels as the screen has below it; return its empty context, which counts in CSS pixels. */
export function prepare(canvas) {
  const density = window.devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d");
  context.scale(density, density);
  context.font = FONT;
  return { context, width, height };
}

/** Write a share as people read it: 0.8734 is "87.3 %". */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** Write a number with its sign, and with a minus as wide as the plus. */
export function signed(number, digits = 2) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(digits)}`;
}

/** Write a number with commas between its thousands. */
export function count(number) {
  return Math.round(number).toLocaleString("en");
}

/** Which points of the run are shown: a part of what there is, never less than SMALLEST_SPAN. */
class View {
  #start = 0;
  #end = SMALLEST_SPAN;
  from = 0;
  to = SMALLEST_SPAN;
  isWhole = true;

  get span() {
    return this.to - this.from;
  }

  /** Take over how far the run goes. A whole view grows with the run; a part stays where it is. */
  limit(start, end) {
    this.#start = start;
    this.#end = Math.max(end, start + SMALLEST_SPAN);
    if (this.isWhole) {
      this.showWhole();
    } else {
      this.#show(this.from, this.span);
    }
  }

  showWhole() {
    this.#show(this.#start, this.#end - this.#start);
  }

  /** Multiply the span, and keep a place where it is on the screen. */
  zoom(factor, place) {
    const longest = this.#end - this.#start;
    const span = Math.min(Math.max(this.span * factor, SMALLEST_SPAN), longest);
    this.#show(place - ((place - this.from) * span) / this.span, span);
  }

  pan(points) {
    this.#show(this.from + points, this.span);
  }

  /** Move no further than needed to have a place in the view. */
  include(place) {
    this.pan(Math.min(place - this.from, 0) + Math.max(place - this.to, 0));
  }

  #show(from, span) {
    const latest = this.#end - span;
    this.from = Math.max(this.#start, Math.min(from, latest));
    this.to = this.from + span;
    this.isWhole = span >= this.#end - this.#start;
  }
}

/** Draws the learning curve and follows pointers and keys. */
export class LearningCurve {
  #area;
  #canvas;
  #reading;
  #speak;
  #rows = [];
  #scale = SHARES;
  #view = new View();
  #size = { width: 0, height: 0 }; // of the last drawing: to ask the canvas for each row would be slow
  #place = null; // the row whose values are shown
  #pointers = new Map(); // id of each pointer that is down: its x
  #isDue = false;

  /**
   * Args:
   *   area: the element around the canvas; it takes the focus.
   *   canvas: where to draw.
   *   reading: the element that shows the values at a place.
   *   speak: called with words that a screen reader should say.
   */
  constructor({ area, canvas, reading, speak }) {
    this.#area = area;
    this.#canvas = canvas;
    this.#reading = reading;
    this.#speak = speak;
    this.#followPointers();
    this.#followKeys();
    new ResizeObserver(() => this.redraw()).observe(area);
  }

  /**
   * Show these rows: objects with points, share, mean, and evaluation and score, which may be null. Where matches have
   * scores, as in other games than ours, these are drawn in the place of shares.
   */
  setRows(rows) {
    const scores = rows.filter((row) => row.score !== null).map((row) => row.score);
    this.#rows = scores.length > 0 ? rows.filter((row) => row.score !== null) : rows;
    this.#scale = scores.length > 0 ? scaleOf(scores) : SHARES;
    // The rows are new objects, so that the place has to be found again.
    this.#place = this.#place && this.#nearest(this.#place.points);
    if (rows.length > 0) {
      this.#view.limit(roundedDown(this.#rows[0].points), rows.at(-1).points);
    }
    this.redraw();
  }

  showWhole() {
    this.#view.showWhole();
    this.redraw();
  }

  zoomIn() {
    this.#zoom(1 / ZOOM_STEP, this.#middle());
  }

  zoomOut() {
    this.#zoom(ZOOM_STEP, this.#middle());
  }

  /** Say in a sentence what the curve shows. */
  words() {
    const last = this.#rows.at(-1);
    if (!last) {
      return "No points yet";
    }
    const what = last.score === null ? "Share of points won" : "Score of matches";
    const end = last.score === null ? percent(last.mean) : signed(last.score, 1);
    return (
      `${what}, up to ${count(last.points)} points: ${end} on average at the end; ` +
      `shown from ${count(this.#view.from)} to ${count(this.#view.to)} points`
    );
  }

  /** Return the picture as a Blob, by a promise. */
  picture() {
    return new Promise((resolve) => this.#canvas.toBlob(resolve));
  }

  /** Draw before the next repaint, once however often it is asked. */
  redraw() {
    if (this.#isDue) {
      return;
    }
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  // What people do.

  #followPointers() {
    const area = this.#area;
    area.addEventListener("pointerdown", (event) => this.#press(event));
    area.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      area.addEventListener(end, (event) => this.#pointers.delete(event.pointerId));
    }
    area.addEventListener("pointerleave", (event) => this.#leave(event));
    area.addEventListener("touchmove", keepPinch, { passive: false });
    area.addEventListener("dblclick", () => this.showWhole());
    area.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
  }

  #press(event) {
    this.#area.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, event.offsetX);
    this.#mark(this.#nearest(this.#pointsAt(event.offsetX)));
  }

  #move(event) {
    if (!this.#pointers.has(event.pointerId)) {
      this.#mark(this.#nearest(this.#pointsAt(event.offsetX)));
      return;
    }
    const before = centreAndSpread(this.#pointers);
    this.#pointers.set(event.pointerId, event.offsetX);
    const after = centreAndSpread(this.#pointers);
    this.#drag(before, after);
  }

  /** Keep what was below one or two pointers below them. */
  #drag(before, after) {
    if (before.spread > 0 && after.spread > 0) {
      this.#view.zoom(before.spread / after.spread, this.#pointsAt(before.centre));
    }
    this.#view.pan(this.#pointsAt(before.centre) - this.#pointsAt(after.centre));
    this.redraw();
  }

  #leave(event) {
    // A finger that is lifted leaves too, but what it touched should stay readable.
    if (event.pointerType === "mouse") {
      this.#mark(null);
    }
  }

  #turn(event) {
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : PIXELS_OF_A_LINE);
    if (pixels > 0 && this.#view.isWhole) {
      return; // nothing to zoom out to: let the page scroll
    }
    event.preventDefault();
    this.#zoom(Math.exp(pixels * WHEEL_SPEED), this.#pointsAt(event.offsetX));
  }

  #followKeys() {
    const actions = {
      ArrowLeft: (event) => this.#arrow(event, -1),
      ArrowRight: (event) => this.#arrow(event, 1),
      Home: () => this.#read(0),
      End: () => this.#read(this.#rows.length - 1),
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(), // where + needs Shift
      "-": () => this.zoomOut(),
      0: () => this.showWhole(),
      Escape: () => this.#mark(null),
    };
    this.#area.addEventListener("keydown", (event) => {
      const action = actions[event.key];
      if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        action(event);
      }
    });
  }

  #arrow(event, direction) {
    if (event.shiftKey) {
      this.#view.pan((direction * this.#view.span) / 10);
      this.redraw();
    } else {
      this.#step(direction);
    }
  }

  /** Read the values a little to the left or the right: a row, or a hundredth of the rows in view. */
  #step(direction) {
    const rowsInView = this.#indexAt(this.#view.to) - this.#indexAt(this.#view.from);
    const step = Math.max(1, Math.round(rowsInView / 100));
    const start = this.#place ? this.#place.points : this.#view.to;
    this.#read(this.#indexAt(start) + direction * step);
  }

  #read(index) {
    const row = this.#rows[Math.max(0, Math.min(index, this.#rows.length - 1))];
    if (row) {
      this.#view.include(row.points);
      this.#mark(row);
      this.#speak(valuesIn(row));
    }
  }

  #mark(row) {
    this.#place = row;
    this.redraw();
  }

  #zoom(factor, place) {
    this.#view.zoom(factor, place);
    this.redraw();
  }

  // Where things are.

  #middle() {
    const { from, to } = this.#view;
    const place = this.#place?.points;
    return place >= from && place <= to ? place : (from + to) / 2;
  }

  #plotWidth() {
    return Math.max(1, this.#size.width - MARGIN.left - MARGIN.right);
  }

  #xOf(points) {
    return MARGIN.left + ((points - this.#view.from) / this.#view.span) * this.#plotWidth();
  }

  #yOf(value) {
    const { low, high } = this.#scale;
    const height = this.#size.height - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + ((high - value) / (high - low)) * height;
  }

  #pointsAt(x) {
    return this.#view.from + ((x - MARGIN.left) / this.#plotWidth()) * this.#view.span;
  }

  /** Return the index of the first row that has at least so many points; that of the last if none has. */
  #indexAt(points) {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#rows[middle].points < points) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  #nearest(points) {
    const index = this.#indexAt(points);
    const after = this.#rows[index] ?? null;
    const before = this.#rows[index - 1] ?? after;
    return after && points - before.points < after.points - points ? before : after;
  }

  /** Return the rows in view, and one more on each side, since lines go on beyond the edge. */
  #visible() {
    return this.#rows.slice(Math.max(0, this.#indexAt(this.#view.from) - 1), this.#indexAt(this.#view.to) + 1);
  }

  // Drawing.

  #draw() {
    const { context, width, height } = prepare(this.#canvas);
    const palette = colours();
    this.#size = { width, height };
    // Also below the curve, since a saved picture has no page behind it.
    context.fillStyle = palette.panel;
    context.fillRect(0, 0, width, height);
    this.#drawLines(context, palette, width);
    this.#drawPoints(context, palette, height);
    this.#drawLegend(context, palette);
    this.#drawCurves(context, palette, width, height);
    this.#showReading();
  }

  #drawLines(context, palette, width) {
    const { low, lines, label } = this.#scale;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of lines) {
      const y = Math.round(this.#yOf(value)) + 0.5; // half a pixel: a thin line fills a whole one
      stroke(context, palette.line, value === low ? 1 : 0.5, [[MARGIN.left, y], [width - MARGIN.right, y]]);
      context.fillStyle = palette.dim;
      context.fillText(label(value), MARGIN.left - 6, y);
    }
  }

  #drawPoints(context, palette, height) {
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillStyle = palette.dim;
    const step = niceStep((this.#view.span * TICK_PIXELS) / this.#plotWidth());
    for (let points = Math.ceil(this.#view.from / step) * step; points <= this.#view.to; points += step) {
      const x = Math.round(this.#xOf(points)) + 0.5;
      stroke(context, palette.line, 1, [[x, height - MARGIN.bottom], [x, height - MARGIN.bottom + 4]]);
      context.fillText(shortCount(points), x, height - 6);
    }
  }

  #drawLegend(context, palette) {
    context.textAlign = "left";
    context.textBaseline = "middle";
    let x = 1; // not the plot's edge: on a phone the words need the whole width
    const main = this.#scale === SHARES ? "running mean" : "mean score of the last 100 matches";
    const entries = [[main, (from) => stroke(context, palette.accent, 2, [[from, 10], [from + 16, 10]])]];
    if (this.#scale === SHARES) {
      entries.unshift(["last 1,000", (from) => stroke(context, palette.dim, 1, [[from, 10], [from + 16, 10]])]);
      entries.push(["evaluation", (from) => dot(context, palette, from + 8, 10, LARGEST_DOT)]);
    }
    for (const [words, drawSample] of entries) {
      drawSample(x);
      context.fillStyle = palette.dim;
      context.fillText(words, x + 22, 10);
      x += 22 + context.measureText(words).width + 16;
    }
  }

  #drawCurves(context, palette, width, height) {
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, 0, width - MARGIN.left, height); // into the right margin: the last dot is half there
    context.clip();
    const rows = this.#visible();
    if (this.#scale === SHARES) {
      context.globalAlpha = 0.5;
      stroke(context, palette.dim, 1, this.#path(rows, "share"));
      context.globalAlpha = 1;
      this.#drawEvaluations(context, palette, rows);
    }
    stroke(context, palette.accent, 2, this.#path(rows, this.#scale.column));
    this.#drawPlace(context, palette);
    context.restore();
  }

  #drawEvaluations(context, palette, rows) {
    const evaluated = rows.filter((row) => row.evaluation !== null);
    const room = this.#plotWidth() / evaluated.length;
    const radius = Math.max(SMALLEST_DOT, Math.min(LARGEST_DOT, room / 3));
    for (const row of evaluated) {
      dot(context, palette, this.#xOf(row.points), this.#yOf(row.evaluation), radius);
    }
  }

  #path(rows, key) {
    const columnOf = (row) => Math.floor(this.#xOf(row.points));
    return extremes(rows, key, columnOf).map((row) => [this.#xOf(row.points), this.#yOf(row[key])]);
  }

  #drawPlace(context, palette) {
    if (this.#place) {
      const x = this.#xOf(this.#place.points);
      stroke(context, palette.text, 1, [[x, MARGIN.top], [x, this.#size.height - MARGIN.bottom]]);
      context.fillStyle = palette.text;
      disc(context, x, this.#yOf(this.#place[this.#scale.column]), 4);
    }
  }

  #showReading() {
    const row = this.#place ?? this.#rows.at(-1);
    this.#reading.textContent = row ? valuesIn(row) : "no points yet";
  }
}

/** Keep the browser from scrolling with two fingers, which would end the pinch. */
function keepPinch(event) {
  if (event.touches.length > 1) {
    event.preventDefault();
  }
}

/** Return the middle of the pointers and how far apart they are, in pixels. */
function centreAndSpread(pointers) {
  const places = [...pointers.values()];
  const left = Math.min(...places);
  const right = Math.max(...places);
  return { centre: (left + right) / 2, spread: right - left };
}

/** Return the axis for scores: its ends are round numbers. */
function scaleOf(scores) {
  const least = scores.reduce((one, other) => Math.min(one, other));
  const most = scores.reduce((one, other) => Math.max(one, other));
  const step = niceStep(Math.max(most - least, 1) / 4);
  const low = Math.floor(least / step) * step;
  const high = Math.max(Math.ceil(most / step) * step, low + step);
  const lines = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, number) => low + number * step);
  const digits = step < 1 ? 1 : 0;
  return { low, high, lines, label: (score) => (score === 0 ? "0" : signed(score, digits)), column: "score" };
}

function valuesIn(row) {
  if (row.score !== null) {
    return `${count(row.points)} points · score: ${signed(row.score, 1)}`;
  }
  const parts = [`${count(row.points)} points`, `last 1,000: ${percent(row.share)}`, `mean: ${percent(row.mean)}`];
  if (row.evaluation !== null) {
    parts.push(`evaluation: ${percent(row.evaluation)}`);
  }
  return parts.join(" · ");
}

/** Return the lowest and the highest row of each pixel column: more than these could not be seen. */
function extremes(rows, key, columnOf) {
  const columns = new Map();
  for (const row of rows) {
    const column = columnOf(row);
    const found = columns.get(column);
    if (!found) {
      columns.set(column, { low: row, high: row });
    } else if (row[key] < found.low[key]) {
      found.low = row;
    } else if (row[key] > found.high[key]) {
      found.high = row;
    }
  }
  return [...columns.values()].flatMap(({ low, high }) => (low.points < high.points ? [low, high] : [high, low]));
}

/** Return the next of 1, 2, 5, 10, 20, 50, ...: steps that people count in. */
function niceStep(atLeast) {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return power * [1, 2, 5, 10].find((times) => power * times >= atLeast);
}

/** Let the axis begin at a round number, usually 0, though the first row has 100 points. */
function roundedDown(points) {
  return Math.floor(points / SMALLEST_SPAN) * SMALLEST_SPAN;
}

/** Write 12,000 as "12k" and 1,500,000 as "1.5M". */
function shortCount(number) {
  if (number >= 1e6) {
    return `${Number((number / 1e6).toFixed(3))}M`;
  }
  return number >= 1000 ? `${Number((number / 1000).toFixed(1))}k` : String(number);
}

/** Draw a line through places, each [x, y]. */
export function stroke(context, colour, width, places) {
  context.beginPath();
  for (const [x, y] of places) {
    context.lineTo(x, y);
  }
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.stroke();
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** Draw an evaluation; the ring keeps it apart from what is below it. */
function dot(context, palette, x, y, radius) {
  context.fillStyle = palette.panel;
  disc(context, x, y, 1.4 * radius);
  context.fillStyle = palette.blue;
  disc(context, x, y, radius);
}
