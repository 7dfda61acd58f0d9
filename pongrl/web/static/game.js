// The game's page. The server sends
//
//   hello   once: whose game it is, and what this visitor may do
//   state   when something has changed: who plays, what the game waits for; the score at most ten times a second
//   view    up to sixty times a second: where ball and paddles are
//   seat    about the paddle that this visitor has or waits for
//   bye     when the game ends
//   others  games elsewhere on the network
//   beat    every five seconds, so that the page knows that the server is there
//
// and is told {sit}, {hold}, {to}, {pause}, {level} and {restart}.

import { Controls } from "/static/controls.js";
import { Court } from "/static/court.js";
import { Live } from "/static/live.js";
import { Sound } from "/static/sound.js";
import { letterOf, write } from "/static/words.js";

const HOW = "Drag on the court, press W and S or the arrows, or use a gamepad.";
const SLOW_MILLISECONDS = 500; // between two pictures for those who want less motion
const ANNOUNCED_MILLISECONDS = 2000; // between two scores that are read out
const LEVELS = [1, 2, 3];

const at = (id) => document.getElementById(id);
const court = new Court(at("picture"));
const sound = new Sound();
const wantsLess = matchMedia("(prefers-reduced-motion: reduce)");

let hello = null;
let state = null;
let seat = { side: null };
let preferred = "right"; // the paddle that a move asks for
let hasStoodUp = false; // to look only
let wantsSeat = false; // it has just come with the link for playing, or has come back
let drawnAt = 0;
let announcedAt = 0;
let announced = "";
let announcing = 0; // the timer for what is read out when it is due

const live = new Live({
  hear(message) {
    for (const [kind, value] of Object.entries(message)) {
      hearers[kind]?.(value);
    }
  },
  changed(isThere) {
    write(at("connection"), isThere ? "live" : "connection lost, trying again");
    document.body.classList.toggle("lost", !isThere);
    if (!isThere) {
      court.forget();
      takeSeat({ side: null, words: "" });
    }
  },
});

const controls = new Controls({ say: (message) => live.say(message), wants, pause });
controls.watch(at("court"));
controls.watch(at("pad"));

// What the server says

const hearers = {
  hello(value) {
    hello = value;
    state = null;
    clearTimeout(announcing);
    document.title = value.title;
    at("title").textContent = value.title;
    court.size = { court: value.court, paddle: value.paddle, ball: value.ball };
    court.interpolates = !value.lockstep; // there the views are seconds of the game apart
    at("steering").hidden = !value.steers;
    at("restart").hidden = !value.restarts;
    at("levels").hidden = !value.levels;
    for (const part of document.querySelectorAll(".for-levels, .for-restarts")) {
      part.hidden = part.className === "for-levels" ? !value.levels : !value.restarts;
    }
    at("playing").hidden = !value.steers;
    wantsSeat = value.steers && !hasStoodUp && preferred === "right";
  },

  state(value) {
    state = value;
    at("left-score").textContent = value.score[0];
    at("right-score").textContent = value.score[1];
    at("left-name").textContent = nameOf(0);
    at("right-name").textContent = nameOf(1);
    at("status").textContent = value.status.split(/ {3}/).join(" · ");
    at("figures").textContent = figures(value);
    at("pause").textContent = value.pausing ? "Go on" : "Pause";
    for (const level of LEVELS) {
      at(`level-${level}`).setAttribute("aria-pressed", value.level === level);
    }
    at("sit-left").disabled = value.closed[0] !== "";
    at("sit-right").disabled = value.closed[1] !== "";
    if (wantsSeat && canTake("right")) {
      sit("right");
    } else if (wantsSeat && seat.side === null) {
      takeSeat({ side: null, words: value.closed[1] });
    }
    showNotice();
    announce();
  },

  view(value) {
    court.take(value);
    sound.take(value.slice(5));
  },

  seat: takeSeat,

  bye(words) {
    at("headline").textContent = words;
    at("below").textContent = "";
    at("notice").hidden = false;
  },

  others(games) {
    at("others").hidden = games.length === 0;
    at("other-list").replaceChildren(...games.map(otherGame));
  },
};

function takeSeat(value) {
  seat = value;
  const isMine = value.side !== null && value.place === 0;
  document.body.classList.toggle("plays", isMine);
  at("pad").hidden = !isMine;
  at("sit-left").setAttribute("aria-pressed", value.side === "left");
  at("sit-right").setAttribute("aria-pressed", value.side === "right");
  at("stand").setAttribute("aria-pressed", value.side === null);
  write(at("seat"), seatWords(value, isMine));
}

function seatWords(value, isMine) {
  if (isMine) {
    return `You have the ${value.side} paddle. ${HOW}`;
  }
  if (value.side === null) {
    return value.words ? `You look on: ${value.words}.` : "";
  }
  const before = value.place === 1 ? "one player is" : `${value.place} players are`;
  return `You wait for the ${value.side} paddle: ${before} before you.`;
}

function nameOf(side) {
  if (state.people[side]) {
    return state.agents[side] ? "agent and a person" : "a person";
  }
  if (state.agents[side]) {
    return "agent";
  }
  if (state.level === null) {
    return side === 0 ? "nobody" : "the game";
  }
  return side === 0 && state.level !== 4 ? "nobody" : `level ${Math.min(state.level, 3)}`;
}

function figures(value) {
  // Other games count no hits.
  const rallies = value.level === null ? [] : [`rally ${value.rally}`, `last rally ${value.last_rally}`];
  const parts = [...rallies, `matches ${value.matches}`];
  if (value.last_match) {
    parts.push(`last match ${value.last_match.join(" : ")}`);
  }
  return parts.join(" · ");
}

function showNotice() {
  let [headline, below] = ["", ""];
  if (state.paused) {
    headline = "paused";
    below = hello?.steers && state.pausing ? "P or the button goes on" : ""; // else others have paused
  } else if (state.notice.length > 0) {
    [headline, below = ""] = state.notice;
    if (state.level !== null) {
      below = canTake("left") ? "or take the left paddle yourself" : "";
    }
  } else if (state.serve_in > 0) {
    headline = String(state.serve_in);
  }
  at("notice").hidden = headline === "";
  at("headline").textContent = headline;
  at("below").textContent = below;
}

// Let a screen reader read the score out, but not faster than it can.
function announce() {
  const [left, right] = state.score;
  const label = `The court. Left, ${nameOf(0)}: ${left}; right, ${nameOf(1)}: ${right}.`;
  if (at("picture").getAttribute("aria-label") !== label) {
    at("picture").setAttribute("aria-label", label);
  }
  const words = `${left} to ${right}${state.paused ? ", paused" : ""}`;
  const rest = announcedAt + ANNOUNCED_MILLISECONDS - performance.now();
  clearTimeout(announcing);
  if (words !== announced && rest > 0) {
    announcing = setTimeout(announce, rest);
  } else if (words !== announced) {
    announced = words;
    announcedAt = performance.now();
    at("announcer").textContent = words;
  }
}

function otherGame({ name, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.textContent = name;
  const item = document.createElement("li");
  item.append(link);
  return item;
}

// What people do

function canTake(side) {
  return hello?.steers && state?.closed[side === "left" ? 0 : 1] === "";
}

function sit(side) {
  hasStoodUp = wantsSeat = false;
  preferred = side;
  live.say({ sit: side });
}

// Return whether a move is of use; one without a paddle asks for one, unless `asks` is false.
function wants({ asks = true } = {}) {
  if (seat.side === null && asks && canTake(preferred)) {
    sit(preferred);
    return true;
  }
  return seat.side !== null;
}

function pause() {
  if (hello?.steers && state) {
    live.say({ pause: !state.pausing });
  }
}

function setSound(isOn) {
  sound.turn(isOn);
  at("sound").setAttribute("aria-pressed", isOn);
}

function fillScreen() {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    document.documentElement.requestFullscreen?.();
  }
}

const actions = {
  "sit-left": () => sit("left"),
  "sit-right": () => sit("right"),
  stand() {
    hasStoodUp = true;
    wantsSeat = false;
    live.say({ sit: null });
  },
  pause,
  restart: () => live.say({ restart: true }),
  sound: () => setSound(!sound.isOn),
  full: fillScreen,
  moving: () => showMotion(court.isSlow),
};
for (const level of LEVELS) {
  actions[`level-${level}`] = () => live.say({ level });
}
for (const [id, act] of Object.entries(actions)) {
  at(id).addEventListener("click", act);
}
at("full").hidden = !document.documentElement.requestFullscreen;
document.addEventListener("fullscreenchange", () => {
  at("full").setAttribute("aria-pressed", document.fullscreenElement !== null);
});

window.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const isOnButton = event.target.closest?.("button, summary, a") !== null;
  const key = letterOf(event);
  const level = Number(/^(?:Digit|Numpad)([123])$/.exec(event.code)?.[1]);
  if (event.code === "KeyW" || event.code === "KeyS") {
    return; // they move a paddle, whatever letter a layout has there
  }
  if (hello?.steers && (key === "p" || (key === " " && !isOnButton))) {
    event.preventDefault();
    pause();
  } else if (key === "m") {
    setSound(!sound.isOn);
  } else if (key === "f") {
    fillScreen();
  } else if (key === "r" && hello?.steers && hello.restarts) {
    live.say({ restart: true });
  } else if (level && hello?.steers && hello.levels) {
    live.say({ level });
  }
});

// The picture

function showMotion(isWanted) {
  at("moving").hidden = !wantsLess.matches;
  at("moving").setAttribute("aria-pressed", isWanted);
  court.isSlow = wantsLess.matches && !isWanted;
}

function frame(now) {
  controls.poll();
  const isPlaying = seat.side !== null && seat.place === 0;
  if (!court.isSlow || isPlaying || now - drawnAt > SLOW_MILLISECONDS) {
    drawnAt = now;
    court.draw();
  }
  requestAnimationFrame(frame);
}

wantsLess.addEventListener("change", () => showMotion(false));
showMotion(false);
requestAnimationFrame(frame);
