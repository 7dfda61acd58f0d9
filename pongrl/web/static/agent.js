/*
 * The page that shows an agent. Everything comes by two ways:
 *   the WebSocket /live    what happens now: decisions, units, numbers, lines of the terminal; commands go back
 *   GET /run.json          the learning curve and the files, asked for every few seconds
 * Each part of the page has a class or a few functions below; at the end, `main` hands the messages out.
 */

import { Live } from "/static/live.js";
import { LearningCurve, colours, count, percent, prepare, signed, stroke } from "/static/chart.js";
import { letterOf } from "/static/words.js";

const VALUES_SHOWN = 200; // looks in the strip of the value
const LINES_KEPT = 100; // of the terminal
const NEAR_THE_END = 24; // pixels from the log's end that count as being there
const RUN_SECONDS = 3; // between two questions for the run
const PATIENCE_SECONDS = 10; // for an answer
const SHARE_SPOKEN_SECONDS = 10; // at least, between two announcements of the share
const ANSWER_SECONDS = 5; // lines of the terminal so soon after a command are its answer
const LABEL_SECONDS = 2; // between two descriptions of the pictures
const CALM_LOOK_SECONDS = 0.5; // between two looks for people who want less motion

const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
const darkScheme = matchMedia("(prefers-color-scheme: dark)");

function byId(id) {
  return document.getElementById(id);
}

/** Create an element; the text is never read as HTML. */
function create(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// Pictures ------------------------------------------------------------------------------------------------------------

/** Return the bytes of base64 text, each from 0 to 255. */
function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Return the bytes of base64 text, each from -128 to 127. */
function signedBytesOf(base64) {
  return new Int8Array(bytesOf(base64).buffer);
}

/** Return [red, green, blue] of a colour such as "#ffc43c", which is how style.css writes them all. */
function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/** Paint one cell for each byte; the style sheet makes the canvas large. Without bytes it stays empty. */
function paint(canvas, [height, width], bytes, colourOf) {
  canvas.width = width;
  canvas.height = height;
  if (!bytes) {
    return;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  bytes.forEach((byte, cell) => image.data.set([...colourOf(byte), 255], 4 * cell));
  context.putImageData(image, 0, 0);
}

function paintGrey(canvas, shape, base64) {
  paint(canvas, shape, base64 && bytesOf(base64), (byte) => [byte, byte, byte]);
}

/** Paint positive cells in the accent colour and negative ones in blue; zero is the panel's colour. */
function paintSigned(canvas, shape, base64) {
  const { panel, accent, blue } = colours();
  const [none, positive, negative] = [panel, accent, blue].map(channels);
  paint(canvas, shape, base64 && signedBytesOf(base64), (byte) => {
    const full = byte > 0 ? positive : negative;
    const share = Math.min(1, Math.abs(byte) / 127);
    return none.map((channel, index) => channel + (full[index] - channel) * share);
  });
}

// Words for screen readers --------------------------------------------------------------------------------------------

/** Speaks through the live region: the share now and then, and what the agent answers to a command. */
class Speaker {
  #region;
  #shareSpoken = -Infinity; // when
  #pointsSpoken = null;
  #commandSent = -Infinity; // when

  constructor(region) {
    this.#region = region;
  }

  say(words) {
    this.#region.textContent = words;
  }

  offerShare({ points, share, score }) {
    const isDue = performance.now() - this.#shareSpoken >= 1000 * SHARE_SPOKEN_SECONDS;
    // An answer of the agent must not be cut short.
    if (isDue && !this.#awaitsAnswer() && points !== this.#pointsSpoken) {
      this.#shareSpoken = performance.now();
      this.#pointsSpoken = points;
      const howWell = score === null ? `${percent(share)} won lately` : `score ${signed(score, 1)} lately`;
      this.say(`${count(points)} points, ${howWell}`);
    }
  }

  expectAnswer() {
    this.#commandSent = performance.now();
  }

  offerLine(line) {
    if (this.#awaitsAnswer()) {
      this.say(line);
    }
  }

  #awaitsAnswer() {
    return performance.now() - this.#commandSent < 1000 * ANSWER_SECONDS;
  }
}

/** Describe a picture in words. The attribute is left alone while they are the same, so that nothing is read twice. */
function label(canvas, words) {
  if (canvas.getAttribute("aria-label") !== words) {
    canvas.setAttribute("aria-label", words);
  }
}

// One decision: the frame, what changed, the moves --------------------------------------------------------------------

/** Shows the chances of the moves as bars. */
class Moves {
  #list;
  #names = [];
  #rows = [];

  constructor(list) {
    this.#list = list;
  }

  show({ moves, chances, chosen }) {
    if (moves.join() !== this.#names.join()) {
      this.#names = moves;
      this.#rows = moves.map(createMove);
      this.#list.replaceChildren(...this.#rows.map((row) => row.item));
    }
    this.#rows.forEach((row, index) => {
      row.item.classList.toggle("chosen", index === chosen);
      row.fill.style.width = `${100 * chances[index]}%`;
      row.chance.textContent = `${Math.round(100 * chances[index])} %`;
      row.mark.textContent = index === chosen ? "chosen" : "";
    });
  }
}

function createMove(name) {
  const item = create("li", "move");
  const mark = create("span", "spoken");
  const bar = create("span", "bar");
  const fill = create("span", "fill");
  const chance = create("span", "chance");
  bar.append(fill);
  item.append(create("span", "move-name", name), mark, chance, bar);
  return { item, mark, chance, fill };
}

/** Shows the value of the last decisions, and which of them won or lost a point. */
class ValueStrip {
  #canvas;
  #looks = []; // the value and the reward of each

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  add({ value, reward }) {
    this.#looks.push({ value, reward });
    if (this.#looks.length > VALUES_SHOWN) {
      this.#looks.shift();
    }
  }

  draw() {
    const { context, width, height } = prepare(this.#canvas);
    const palette = colours();
    const scale = {
      left: 22,
      right: width - 2,
      // The newest look is at the right edge, also while the strip fills.
      x: (index) => width - 2 - ((this.#looks.length - 1 - index) * (width - 24)) / (VALUES_SHOWN - 1),
      y: (value) => height / 2 - Math.max(-1, Math.min(1, value)) * (height / 2 - 7),
    };
    drawValueScale(context, palette, scale);
    this.#looks.forEach(({ reward }, index) => drawPoint(context, palette, scale, index, reward));
    const line = this.#looks.map(({ value }, index) => [scale.x(index), scale.y(value)]);
    stroke(context, palette.text, 1.5, line);
  }

  words() {
    const won = this.#looks.filter(({ reward }) => reward > 0).length;
    const lost = this.#looks.filter(({ reward }) => reward < 0).length;
    const last = this.#looks.at(-1);
    if (!last) {
      return "No value yet";
    }
    return `Value ${signed(last.value)}; the last ${this.#looks.length} decisions: points won ${won}, lost ${lost}`;
  }
}

function drawValueScale(context, palette, scale) {
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillStyle = palette.dim;
  for (const [value, words] of [[1, "+1"], [0, "0"], [-1, "−1"]]) {
    const y = Math.round(scale.y(value)) + 0.5; // half a pixel: a thin line fills a whole one
    stroke(context, palette.line, 1, [[scale.left, y], [scale.right, y]]);
    context.fillText(words, scale.left - 4, y);
  }
}

/** Mark a point: a line, and an arrow at the top if it was won, at the bottom if it was lost. */
function drawPoint(context, palette, scale, index, reward) {
  if (reward === 0) {
    return;
  }
  const colour = reward > 0 ? palette.accent : palette.blue;
  const x = scale.x(index);
  const tip = scale.y(reward);
  const base = tip + 7 * Math.sign(reward);
  stroke(context, colour, 1.5, [[x, scale.y(1)], [x, scale.y(-1)]]);
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, tip);
  context.lineTo(x - 4, base);
  context.lineTo(x + 4, base);
  context.fill();
}

/** Shows the looks, no more often than the screen repaints or than people want motion. */
class Looks {
  #frame = byId("frame");
  #change = byId("change");
  #moves = new Moves(byId("moves"));
  #strip = new ValueStrip(byId("value"));
  #units;
  #latest = null;
  #isDue = false;
  #shown = -Infinity; // when

  constructor(units) {
    this.#units = units;
  }

  receive(look) {
    this.#strip.add(look);
    this.#latest = look;
    this.#showSoon();
  }

  /** Draw again what is shown, for the colours have changed. */
  redraw() {
    if (this.#latest) {
      this.#show();
    }
    this.#strip.draw();
  }

  describe() {
    if (!this.#latest) {
      return;
    }
    const { frame, change, moves, chosen, number } = this.#latest;
    label(this.#frame, frame ? `The frame at decision ${count(number)}; the agent chose ${moves[chosen]}` : "No frame");
    label(this.#change, change ? "What came and what went since the frame before" : "No change to show");
    label(byId("value"), this.#strip.words());
  }

  #showSoon() {
    if (this.#isDue) {
      return;
    }
    this.#isDue = true;
    const nextMilliseconds = lessMotion.matches ? this.#shown + 1000 * CALM_LOOK_SECONDS : 0;
    const wait = Math.max(0, nextMilliseconds - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#show()), wait);
  }

  #show() {
    const look = this.#latest;
    this.#isDue = false;
    this.#shown = performance.now();
    paintGrey(this.#frame, look.shape, look.frame);
    paintSigned(this.#change, look.shape, look.change);
    this.#moves.show(look);
    this.#strip.draw();
    this.#units.showActivity(look.active);
    byId("value-now").textContent = signed(look.value);
    byId("pace").textContent = look.live ? "live" : "slow motion: the agent is faster";
  }
}

// The hidden units ----------------------------------------------------------------------------------------------------

/** Shows what the strongest hidden units look for, which move they vote for, and how active they are. */
class Units {
  #list;
  #units = null; // the last message
  #cards = [];

  constructor(list) {
    this.#list = list;
  }

  receive(units) {
    this.#units = units;
    if (this.#cards.length !== units.weights.length) {
      this.#cards = units.weights.map(createUnit);
      this.#list.replaceChildren(...this.#cards.map((card) => card.item));
    }
    this.redraw();
  }

  redraw() {
    this.#cards.forEach((card, index) => {
      const weight = this.#units.weights[index];
      card.vote.textContent = `${weight < 0 ? "down" : "up"} ${Math.abs(weight).toFixed(2)}`;
      card.vote.className = weight < 0 ? "lost" : "won";
      const [where, motion] = this.#units.effects[index];
      paintSigned(card.where, this.#units.shape, where);
      paintSigned(card.motion, this.#units.shape, motion);
    });
  }

  describe() {
    this.#cards.forEach((card, index) => {
      label(card.where, `Where things are, for unit ${index + 1}, which votes ${card.vote.textContent}`);
      label(card.motion, `How things move, for unit ${index + 1}`);
    });
  }

  showActivity(active) {
    this.#cards.forEach((card, index) => {
      card.fill.style.width = `${100 * (active[index] ?? 0)}%`;
    });
  }
}

function createUnit() {
  const item = create("li", "unit");
  const pictures = create("div", "unit-pictures");
  const [where, motion] = [createPicture(), createPicture()];
  const bar = create("div", "bar");
  const fill = create("div", "fill");
  const vote = create("p");
  pictures.append(where, motion);
  bar.append(fill);
  item.append(pictures, bar, vote);
  return { item, where, motion, fill, vote };
}

function createPicture() {
  const canvas = create("canvas", "cells");
  canvas.setAttribute("role", "img");
  label(canvas, "Hidden unit");
  return canvas;
}

// The state and the notice --------------------------------------------------------------------------------------------

/** Writes across the frame: what the agent has to say, or else, for it matters more, what the connection has. */
class Notice {
  #ofAgent = [];
  #ofConnection = [];

  fromAgent(lines) {
    this.#ofAgent = lines;
    this.#show();
  }

  fromConnection(lines) {
    this.#ofConnection = lines;
    this.#show();
  }

  #show() {
    const [headline = "", ...below] = this.#ofConnection.length > 0 ? this.#ofConnection : this.#ofAgent;
    byId("notice-headline").textContent = headline;
    byId("notice-below").textContent = below.join(" ");
    byId("notice").hidden = headline === "";
  }
}

function showNumbers(state) {
  const speed = state.decisions_per_second;
  byId("status").textContent = state.status;
  byId("no-game").hidden = state.connected;
  byId("points").textContent = count(state.points);
  byId("share-of").textContent = state.score === null ? "won lately" : "score lately"; // in other games than ours
  byId("share").textContent = state.score === null ? percent(state.share) : signed(state.score, 1);
  byId("speed").textContent = speed === null ? "–" : count(speed);
  byId("frames").textContent = count(state.frames);
}

// The terminal's log --------------------------------------------------------------------------------------------------

class Log {
  #list;

  constructor(list) {
    this.#list = list;
  }

  replace(lines) {
    this.#list.replaceChildren();
    lines.forEach((line) => this.add(line));
  }

  /** Add a line at the end, and keep the end in sight unless somebody reads further up. */
  add(line) {
    const list = this.#list;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
    list.append(create("p", "", line));
    if (list.children.length > LINES_KEPT) {
      list.firstElementChild.remove();
    }
    if (isAtEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }
}

// Commands ------------------------------------------------------------------------------------------------------------

/** The buttons and the keys that steer the agent. */
class Commands {
  #buttons = [...document.querySelectorAll("[data-say]")];
  #dialog = byId("quit-dialog");
  #words = {}; // what the agent understands, and what each does
  #canSay = false;
  #say;

  /** `say` sends a word to the agent. */
  constructor(say) {
    this.#say = say;
    for (const button of this.#buttons) {
      button.addEventListener("click", () => this.#press(button.dataset.say));
    }
    this.#dialog.addEventListener("close", () => this.#answerDialog());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show the buttons of the words that the agent understands, if this visitor may steer it. */
  offer({ steers, commands }) {
    this.#words = steers ? commands : {};
    byId("commands").hidden = !steers;
    byId("only-looking").hidden = steers;
    for (const button of this.#buttons) {
      const words = this.#words[button.dataset.say];
      button.hidden = words === undefined;
      button.title = words ?? "";
    }
  }

  enable(canSay) {
    this.#canSay = canSay;
    for (const button of this.#buttons) {
      button.disabled = !canSay;
    }
  }

  showPaused(isPaused) {
    const button = this.#buttons.find(({ dataset }) => dataset.say === "p");
    button.textContent = isPaused ? "Go on" : "Pause";
  }

  #press(word) {
    if (word === "q") {
      this.#askToQuit();
    } else {
      this.#say(word);
    }
  }

  #askToQuit() {
    byId("quit-words").textContent = this.#words.q;
    this.#dialog.returnValue = ""; // Escape leaves it as it is
    this.#dialog.showModal();
  }

  #answerDialog() {
    if (this.#dialog.returnValue === "quit" && this.#canSay) {
      this.#say("q");
    }
  }

  #key(event) {
    const isSpace = event.key === " ";
    const isPause = isSpace || letterOf(event) === "p";
    // With these keys it is the browser's shortcut: Control P prints.
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
    const isElsewhere =
      event.target.closest("button, a, input, select, textarea, dialog") ||
      (isSpace && event.target.closest("[tabindex]")); // it scrolls what has the focus
    if (isPause && isPlain && !isElsewhere && this.#canSay && "p" in this.#words) {
      event.preventDefault(); // Space would scroll the page
      this.#say("p");
    }
  }
}

// The run: its curve and its files ------------------------------------------------------------------------------------

/** Asks for the run while somebody can see the page. */
class Run {
  #curve;
  #rows = [];
  #step = 1; // of the file's rows every so manyth is told
  #files = ""; // those shown, as JSON
  #isAsking = false;
  #visit = 0; // of the server: it may show another run after the next one has begun

  constructor(curve) {
    this.#curve = curve;
    setInterval(() => this.#ask(), 1000 * RUN_SECONDS);
    document.addEventListener("visibilitychange", () => this.#ask());
    this.#ask();
  }

  /** Ask for all again. */
  forget() {
    this.#rows = [];
    this.#step = 1;
    this.#visit += 1;
  }

  async #ask() {
    if (this.#isAsking || document.visibilityState !== "visible") {
      return;
    }
    this.#isAsking = true;
    let hasMore = false;
    const visit = this.#visit;
    try {
      const response = await fetch(`/run.json?after=${this.#rows.length}&step=${this.#step}`, {
        signal: AbortSignal.timeout?.(1000 * PATIENCE_SECONDS), // older browsers wait for ever
      });
      if (response.ok) {
        const run = await response.json();
        if (visit === this.#visit) {
          this.#receive(run);
        }
        hasMore = run.more;
      }
    } catch {
      // The agent cannot be reached: the connection says so, and the next question comes soon.
    } finally {
      this.#isAsking = false;
    }
    if (hasMore) {
      this.#ask();
    }
  }

  #receive({ columns, first, step, rows, files }) {
    this.#step = step;
    if (rows.length > 0 || first < this.#rows.length) {
      const known = first < this.#rows.length ? [] : this.#rows; // fewer: the run, or the telling, starts again
      this.#rows = [...known, ...rows.map((row) => named(columns, row))];
      this.#curve.setRows(this.#rows);
    }
    this.#showFiles(files);
  }

  /** Show the files that have changed: new links would take the focus from somebody. */
  #showFiles(files) {
    const text = JSON.stringify(files);
    if (text === this.#files) {
      return;
    }
    this.#files = text;
    const items = [...byId("files").children];
    const areSame = items.length === files.length && files.every(({ name }, place) => items[place].dataset.name === name);
    if (areSame) {
      files.forEach((file, place) => {
        items[place].querySelector(".dim").textContent = about(file);
      });
    } else {
      byId("files").replaceChildren(...files.map(createFile));
    }
    byId("no-files").hidden = files.length > 0;
  }
}

function named(columns, row) {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}

function createFile(file) {
  const { name, words } = file;
  const item = create("li");
  item.dataset.name = name;
  const link = create("a", "", name);
  link.href = `/files/${encodeURIComponent(name)}`;
  link.download = name;
  item.append(link, create("span", "dim", about(file)), create("p", "", words));
  return item;
}

function about({ bytes, when }) {
  const time = new Date(1000 * when).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return `${size(bytes)} · ${time}`;
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Let the browser save the curve as a file. */
async function saveCurve(curve) {
  const address = URL.createObjectURL(await curve.picture());
  const link = create("a");
  link.href = address;
  link.download = "learning-curve.png";
  link.click();
  // The browser still reads it when click() returns.
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// All together --------------------------------------------------------------------------------------------------------

function main() {
  const speaker = new Speaker(byId("spoken"));
  const units = new Units(byId("units"));
  const looks = new Looks(units);
  const notice = new Notice();
  const log = new Log(byId("log"));
  const curve = new LearningCurve({
    area: byId("curve-area"),
    canvas: byId("curve"),
    reading: byId("curve-reading"),
    speak: (words) => speaker.say(words),
  });
  const run = new Run(curve);
  const commands = new Commands((word) => {
    speaker.expectAnswer();
    live.say({ say: word });
  });

  let steers = false; // whether this visitor may
  let farewell = ""; // what the agent said when it ended; it may come back

  const receivers = {
    hello(hello) {
      run.forget(); // another run may have begun
      steers = hello.steers;
      document.title = hello.title;
      byId("title").textContent = hello.title;
      commands.offer(hello);
      byId("files-panel").hidden = !hello.steers; // a visitor who only looks may not take them
      log.replace(hello.said);
    },
    look: (look) => looks.receive(look),
    units: (message) => units.receive(message),
    state(state) {
      showNumbers(state);
      notice.fromAgent(steers || !state.paused ? state.notice : state.notice.slice(0, 1)); // the rest is about a key
      commands.showPaused(state.paused);
      speaker.offerShare(state);
    },
    said(line) {
      log.add(line);
      speaker.offerLine(line);
    },
    bye(words) {
      farewell = words; // the connection is closed next
    },
  };

  function tellConnection(isOpen, words) {
    byId("connection").textContent = words;
    notice.fromConnection(words ? [words] : []);
    commands.enable(isOpen);
  }

  const live = new Live({
    hear(message) {
      for (const [kind, content] of Object.entries(message)) {
        receivers[kind]?.(content);
      }
    },
    changed(isOpen) {
      farewell = isOpen ? "" : farewell;
      tellConnection(isOpen, isOpen ? "" : farewell || "connection lost, trying again");
    },
  });

  live.restWhileHidden();

  byId("zoom-in").addEventListener("click", () => curve.zoomIn());
  byId("zoom-out").addEventListener("click", () => curve.zoomOut());
  byId("whole-run").addEventListener("click", () => curve.showWhole());
  byId("curve-picture").addEventListener("click", () => saveCurve(curve));
  darkScheme.addEventListener("change", () => {
    looks.redraw();
    units.redraw();
    curve.redraw();
  });
  setInterval(() => {
    looks.describe();
    units.describe();
    label(byId("curve"), curve.words());
  }, 1000 * LABEL_SECONDS);
}

main();
