// The arena's page. The server sends
//
//   hello       once: whose arena it is, and what this visitor may do
//   standings   the ladder, and who beat whom
//   bout        the matches that are played, and the last ones
//   court       where everything is in the match that this visitor watches or plays
//   news        what goes on, for a visitor who plays
//   bye         when the arena ends
//   beat        every five seconds, so that the page knows that the server is there
//
// and is told {watch}, and by those who play {come}, {hold}, {to} and {leave}. GET /replay/NUMBER has a recording.

import { Controls } from "/static/controls.js";
import { CROWD, Ladder, Matrix, count, create } from "/static/ladder.js";
import { Live } from "/static/live.js";
import { Stage } from "/static/stage.js";
import { write } from "/static/words.js";

const HOW = "Drag on the court, press W and S or the arrows, or use a gamepad.";
const SPOKEN_MILLISECONDS = 10000; // between two leaders that are read out

const at = (id) => document.getElementById(id);
const canHover = matchMedia("(hover: hover)");

// Lists of matches ----------------------------------------------------------------------------------------------------

// Shows matches as buttons. While somebody points at the list, nothing moves in it.
class MatchList {
  constructor(list, none, { fill, choose }) {
    Object.assign(this, { list, none, fill, choose });
    this.items = new Map(); // by the numbers of the matches
    this.matches = [];
    list.addEventListener("pointerleave", () => this.arrange());
    list.addEventListener("focusout", () => setTimeout(() => this.arrange()));
  }

  show(matches) {
    this.matches = matches;
    this.arrange();
  }

  get isHeld() {
    const isPointedAt = canHover.matches && this.list.matches(":hover");
    return isPointedAt || this.list.querySelector(":focus-visible") !== null;
  }

  arrange() {
    const known = new Set(this.matches.map((match) => match.number));
    if (!this.isHeld) {
      for (const [number, item] of this.items) {
        if (!known.has(number)) {
          item.row.remove();
          this.items.delete(number);
        }
      }
    }
    this.matches.forEach((match, place) => {
      if (this.items.has(match.number)) {
        this.fill(this.items.get(match.number), match);
      } else if (!this.isHeld) {
        this.list.insertBefore(this.create(match), this.list.children[place] ?? null);
      }
    });
    this.none.hidden = this.items.size > 0;
  }

  create(match) {
    const parts = {
      row: create("li"),
      button: create("button", "match"),
      names: [create("bdi", "left"), create("bdi", "right")],
      score: create("strong"),
      words: create("span", "words"),
    };
    parts.button.append(parts.names[0], parts.score, parts.names[1], parts.words);
    parts.button.addEventListener("click", () => this.choose(parts.match));
    parts.row.append(parts.button);
    this.items.set(match.number, parts);
    this.fill(parts, match);
    return parts.row;
  }
}

function fillMatch(parts, match, words) {
  parts.match = match; // it may leave the list while somebody points at it
  match.names.forEach((name, side) => {
    write(parts.names[side], name);
    parts.names[side].title = name;
  });
  write(parts.score, match.score.join(" : "));
  write(parts.words, words);
}

function fillLive(parts, match) {
  fillMatch(parts, match, match.real_time ? "in real time" : "as fast as both answer");
  parts.button.setAttribute("aria-pressed", stage.shows("live", match.number));
  parts.button.disabled = news !== null;
}

function fillLast(parts, match) {
  fillMatch(parts, match, `${count(match.number)} · ${match.ended}${match.recorded ? "" : " · not recorded"}`);
  parts.button.setAttribute("aria-pressed", stage.shows("replay", match.number));
  parts.names.forEach((name, side) => name.classList.toggle("winner", match.winner === side));
  parts.button.disabled = !match.recorded || news !== null;
}

// Who plays -----------------------------------------------------------------------------------------------------------

// Returns what is kept in this browser; a browser may forbid that.
function kept(what) {
  try {
    return JSON.parse(localStorage.getItem(`pong-arena-${what}`));
  } catch {
    return null;
  }
}

function keep(what, value) {
  try {
    localStorage.setItem(`pong-arena-${what}`, JSON.stringify(value));
  } catch {
    // Then it is good for this visit.
  }
}

// Returns the secret by which the arena knows a name again: 32 hexadecimal digits. Each name has its own, since
// several people may share a computer. Spellings that are one name for the arena are one here, but for letters that
// nobody sees.
function keyOf(name) {
  for (const [each, key] of kept("keys") ?? []) {
    keys.set(each, key); // another tab may have kept more since
  }
  const known = [...name.normalize("NFKC").trim().split(/\s+/).join(" ")]
    .map((letter) => (letter === "ı" ? letter : letter.toUpperCase().toLowerCase()))
    .join("");
  if (!/^[0-9a-f]{32}$/.test(keys.get(known))) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    keys.set(known, [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    keep("keys", [...keys]);
  }
  return keys.get(known);
}

const keys = new Map(kept("keys") ?? []);
let hello = null;
let bout = { live: [], last: [] };
let news = null; // what this visitor was told last; null while it does not play
let farewell = ""; // what the arena said when it ended; it may come back
let isFinal = false;
let hasPlayed = false; // a match, since this visitor has come
let leader = "";
let spokenAt = -Infinity;

const ladder = new Ladder(at("ladder"));
const matrix = new Matrix(at("matrix"), at("pair"));
const stage = new Stage({ watch: (number) => live.say({ watch: number }), changed: showLists });
const liveList = new MatchList(at("live"), at("no-live"), { fill: fillLive, choose: watchLive });
const lastList = new MatchList(at("last"), at("no-last"), { fill: fillLast, choose: playAgain });
const controls = new Controls({ say: (message) => live.say(message), wants: isPlaying, pause() {} });
controls.watch(at("court"));
controls.watch(at("pad"));

const live = new Live({
  hear(message) {
    for (const [kind, value] of Object.entries(message)) {
      hearers[kind]?.(value);
    }
  },
  changed(isThere) {
    farewell = isThere ? "" : farewell;
    write(at("connection"), isThere ? "live" : farewell || "connection lost, trying again");
    document.body.classList.toggle("lost", !isThere);
    if (!isThere) {
      endPlaying("");
    }
  },
});

// What the server says

const hearers = {
  hello(value) {
    hello = value;
    document.title = value.title;
    at("title").textContent = value.title;
    stage.court.size = { court: value.court, paddle: value.paddle, ball: value.ball };
    at("only-looking").hidden = value.steers;
    at("yourself").hidden = !value.steers;
    write(at("command"), commandLine(value.options));
    showEntry();
    stage.resume();
  },

  standings({ rows, pairs, season, final }) {
    isFinal = final;
    if (news !== null) {
      write(at("news"), newsWords());
    }
    at("ladder-title").textContent = final ? "Table of the final" : "Ladder";
    write(at("season"), seasonWords(rows, season));
    at("nobody").hidden = rows.length > 0;
    at("matrix-panel").hidden = pairs.length === 0;
    document.querySelector("main").classList.toggle("crowded", rows.length > CROWD);
    ladder.show(rows);
    matrix.show(rows, pairs);
    speakLeader(rows);
  },

  bout(value) {
    bout = value; // first: the lists are shown again when the stage changes
    stage.takeBout(value);
    showLists();
  },

  court: (value) => stage.takeCourt(value),

  news(value) {
    if (value.out) {
      endPlaying(value.words);
      return;
    }
    const hadBegun = news !== null;
    news = value;
    hasPlayed = hasPlayed || value.match !== null;
    write(at("news"), newsWords());
    showOwn();
    if (!hadBegun) {
      document.body.classList.add("plays");
      at("pad").hidden = false;
      showEntry();
      at("court").focus({ preventScroll: true });
      at("stage").scrollIntoView({ block: "nearest" });
    }
  },

  bye(words) {
    farewell = words; // the connection is closed next
  },
};

function commandLine(options) {
  const host = location.hostname.replace(/^\[|\]$/g, "");
  const words = ["python mainmodel.py --play save.p --host", host, options, '--name "Ada"'];
  return words.filter(Boolean).join(" ");
}

function seasonWords(rows, season) {
  const here = rows.filter((row) => row.here).length;
  return `Season ${season} · ${numbered(rows.length, "player")}, ${here} here · first to ${hello.points} points`;
}

function numbered(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

// Let a screen reader say who leads, if that has changed, but not all the time.
function speakLeader([first]) {
  const isDue = performance.now() - spokenAt > SPOKEN_MILLISECONDS;
  if (first && first.name !== leader && isDue && news === null) {
    if (leader !== "") {
      write(at("spoken"), `${first.name} leads the ladder`);
    }
    leader = first.name;
    spokenAt = performance.now();
  }
}

function showLists() {
  liveList.show(bout.live);
  lastList.show(bout.last);
}

function newsWords() {
  const words = `${news.words.charAt(0).toUpperCase()}${news.words.slice(1)}.`.replace(/([.!?])\.$/, "$1");
  if (news.match === null) {
    return isFinal && !hasPlayed ? `${words} The season is closed: only those who had played before have matches of the final.` : words;
  }
  return `${words} You have the ${news.side} paddle. ${HOW}`;
}

// Show the visitor's own court, and what goes on before the serve.
function showOwn() {
  const names = [at("name").value, news.opponent];
  stage.own(news.match, news.side === "right" ? names.reverse() : names);
  if (news.match === null) {
    stage.notice("", news.words);
  } else {
    stage.notice(news.serve_in > 0 ? String(news.serve_in) : "", "");
  }
}

function showEntry() {
  at("entry").hidden = !hello?.steers || news !== null;
  at("leave").hidden = news === null;
  showLists();
}

function endPlaying(words) {
  const hadPlayed = news !== null;
  news = null;
  hasPlayed = false;
  write(at("news"), words === "" ? "" : `You do not play: ${words}.`);
  document.body.classList.remove("plays");
  at("pad").hidden = true;
  if (hadPlayed) {
    stage.close();
    showEntry();
    at("name").focus({ preventScroll: true });
  }
}

// What people do

function isPlaying() {
  return news !== null && news.match !== null;
}

function watchLive({ number }) {
  const match = bout.live.find((each) => each.number === number);
  if (match) {
    stage.watchLive(match);
  }
}

function playAgain(match) {
  stage.playAgain(match);
}

at("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = at("name").value.trim();
  keep("name", name);
  live.say({ come: { name, key: keyOf(name) } });
});
at("leave").addEventListener("click", () => live.say({ leave: true }));
at("name").value = kept("name") ?? "";

function poll() {
  controls.poll();
  requestAnimationFrame(poll);
}
poll();
