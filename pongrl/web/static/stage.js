// Where one match is seen: a live one, one that is over from its recording, or the visitor's own.
//
// The number of a live match is that of its table, where the next match is played when it is over. Then it is found
// among the last matches, which have numbers of their own, by its players.

import { Court } from "/static/court.js";
import { isolated } from "/static/ladder.js";
import { Replay, clock } from "/static/replay.js";
import { Ear, Sound } from "/static/sound.js";
import { letterOf, write } from "/static/words.js";

const SLOW_MILLISECONDS = 500; // between two pictures for those who want less motion
const SPOKEN_MILLISECONDS = 2000; // between two scores that are read out
const LEAP = 300; // ticks: five seconds of a match
const STEP = 30; // ticks that the slider goes at a key
const SPEEDS = [1, 4, 16];
const LOCKSTEP = "This match is played as fast as both answer: watch it again when it is over.";

const at = (id) => document.getElementById(id);

export class Stage {
  // `watch` tells the server which live match is looked at, or null; `changed` is called when another is shown.
  constructor({ watch, changed }) {
    Object.assign(this, { watch, changed });
    this.court = new Court(at("picture"));
    this.sound = new Sound();
    this.ear = new Ear();
    this.replay = new Replay();
    this.scene = null; // {kind: "live", "replay" or "own", number, names; since, isOver: of a live one; match: when over}
    this.newest = 0; // number of the match that was over last
    this.wantsLess = matchMedia("(prefers-reduced-motion: reduce)");
    this.isSlow = false;
    this.wasRunning = false; // the recording, at the last picture
    this.drawnAt = 0;
    this.spokenAt = 0;
    this.listen();
    this.showMotion(false);
    requestAnimationFrame((now) => this.frame(now));
  }

  listen() {
    const actions = {
      close: () => this.close(),
      run: () => this.toggle(),
      again: () => this.playAgain(this.scene.match),
      sound: () => this.setSound(!this.sound.isOn),
      full: fillScreen,
      moving: () => this.showMotion(this.isSlow),
    };
    for (const speed of SPEEDS) {
      actions[`speed-${speed}`] = () => this.setSpeed(speed);
    }
    for (const [id, act] of Object.entries(actions)) {
      at(id).addEventListener("click", act);
    }
    at("slider").addEventListener("input", () => this.seek(Number(at("slider").value)));
    at("full").hidden = !document.documentElement.requestFullscreen;
    document.addEventListener("fullscreenchange", () => {
      at("full").setAttribute("aria-pressed", document.fullscreenElement !== null);
    });
    this.wantsLess.addEventListener("change", () => this.showMotion(false));
    window.addEventListener("keydown", (event) => this.press(event));
  }

  // Return whether this match is shown; `kind` is "live", "replay" or "own".
  shows(kind, number) {
    return this.scene?.kind === kind && this.scene.number === number && !this.scene.isOver;
  }

  // What is shown

  set(scene, words = "") {
    this.scene = scene;
    this.court.forget();
    this.ear.forget();
    this.sound.forget();
    this.replay = new Replay();
    this.wasRunning = false;
    at("stage").classList.toggle("empty", scene === null);
    at("close").hidden = scene === null || scene.kind === "own";
    at("replay").hidden = true;
    at("again").hidden = true;
    const titles = { live: "Live", replay: "Played again", own: "Your match" };
    at("stage-title").textContent = scene === null ? "Watch a match" : titles[scene.kind];
    at("left-name").textContent = scene?.names[0] ?? "";
    at("right-name").textContent = scene?.names[1] ?? "";
    this.showScore("", "");
    this.notice("", scene === null ? "Choose a match from the lists." : "");
    write(at("stage-words"), words);
    this.changed();
  }

  // Watch a match that is played.
  watchLive(live) {
    this.court.interpolates = live.real_time;
    const { number, names } = live;
    this.set({ kind: "live", number, names, since: this.newest }, live.real_time ? "" : LOCKSTEP);
    this.showScore(...live.score);
    this.watch(live.number);
    show();
  }

  // Watch a match that is over, from its recording.
  async playAgain(match) {
    this.watch(null);
    this.set({ kind: "replay", number: match.number, names: match.names, match }, "Loading …");
    const { scene } = this;
    show();
    const replay = new Replay();
    const fault = await replay.load(match.number);
    if (this.scene !== scene) {
      return; // another one was chosen meanwhile
    }
    this.replay = replay;
    write(at("stage-words"), fault === "" ? `Match ${match.number}: ${match.ended}` : capital(fault));
    if (fault === "") {
      this.court.interpolates = false;
      at("replay").hidden = false;
      at("slider").max = STEP * Math.ceil((replay.ticks - 1) / STEP);
      at("slider").step = STEP;
      this.setSpeed(replay.speed);
      if (!this.isSlow) {
        replay.run();
      }
      this.showReplay();
    }
  }

  // Show the match that the visitor plays; between two matches its number is null.
  own(number, names) {
    if (this.scene?.kind !== "own" || this.scene.number !== number || !areSame(this.scene.names, names)) {
      this.court.interpolates = true;
      this.set({ kind: "own", number, names });
    }
  }

  close() {
    if (this.scene !== null) {
      this.watch(null);
      this.set(null);
    }
  }

  // Take what is played and what is over: the match that is watched may have ended.
  takeBout({ live, last }) {
    const { scene } = this;
    this.newest = last[0]?.number ?? 0;
    if (scene?.kind !== "live" || scene.match) {
      return;
    }
    const match = live.find((each) => each.number === scene.number && areSame(each.names, scene.names));
    if (match && !scene.isOver) {
      this.showScore(...match.score);
      return;
    }
    if (!scene.isOver) {
      scene.isOver = true;
      this.watch(null);
      write(at("stage-words"), "This match is over.");
      this.notice("over", "");
    }
    scene.match = last.filter((each) => each.number > scene.since && areSame(each.names, scene.names)).pop();
    if (scene.match) {
      this.notice(scene.match.score.join(" : "), scene.match.ended);
      this.showScore(...scene.match.score);
      at("again").hidden = !scene.match.recorded;
    }
  }

  // Take where everything is in a match that is played: [number, time, ball x and y, left y, right y, score].
  takeCourt([number, time, x, y, left, right, ...score]) {
    if (!this.shows("live", number) && !this.shows("own", number)) {
      return;
    }
    const points = score[0] + score[1];
    const counts = this.ear.take(x, y, points);
    this.court.take([time, x, y, left, right, counts[0], counts[1], points]);
    if (this.court.interpolates) {
      this.sound.take(counts);
    }
    this.showScore(...score);
  }

  // The page is connected again, to a server that does not know what it watches.
  resume() {
    if (this.scene?.kind === "live" && !this.scene.isOver) {
      this.court.forget();
      this.watch(this.scene.number);
    }
  }

  notice(headline, below) {
    at("notice").hidden = headline === "" && below === "";
    write(at("headline"), headline);
    write(at("below"), below);
  }

  showScore(left, right) {
    write(at("left-score"), left);
    write(at("right-score"), right);
    const names = this.scene?.names.map(isolated);
    const words = left === "" ? "" : `${names[0]} ${left}, ${names[1]} ${right}`;
    label(at("picture"), words === "" ? "The court" : `The court. ${words}.`);
    const isPlayed = this.scene?.kind === "own" && words !== "";
    if (isPlayed && performance.now() - this.spokenAt > SPOKEN_MILLISECONDS) {
      this.spokenAt = performance.now();
      write(at("spoken"), `${left} to ${right}`);
    }
  }

  // The recording

  toggle() {
    if (this.replay.isRunning) {
      this.replay.pause();
    } else {
      this.replay.run();
    }
    this.sound.forget();
    this.ear.forget();
    this.showReplay();
  }

  seek(tick) {
    this.replay.go(tick);
    this.sound.forget();
    this.ear.forget();
    this.showReplay();
  }

  setSpeed(speed) {
    this.replay.speed = speed;
    for (const each of SPEEDS) {
      at(`speed-${each}`).setAttribute("aria-pressed", each === speed);
    }
  }

  showReplay() {
    const { replay, scene } = this;
    const [x, y, left, right, ...score] = replay.place;
    const counts = this.ear.take(x, y, score[0] + score[1]);
    this.court.forget();
    this.court.take([0, x, y, left, right, 0, 0, 0]);
    this.court.draw();
    if (replay.isRunning && replay.speed === 1) {
      this.sound.take(counts);
    }
    this.showScore(...(replay.isOver ? scene.match.score : score));
    write(at("run"), replay.isRunning ? "Pause" : replay.isOver ? "Again" : "Play");
    write(at("time"), `${clock(replay.tick)} of ${clock(replay.ticks)}`);
    at("slider").value = replay.tick;
    at("slider").setAttribute("aria-valuetext", `${clock(replay.tick)} of ${clock(replay.ticks)}, ${score.join(" to ")}`);
  }

  // Keys, sound and pictures

  press(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.target.closest?.("input:not([type=range])")) {
      return; // somebody writes a name
    }
    const key = letterOf(event);
    const isElsewhere = event.target.closest?.("button, a, input, td, th") !== null;
    const isLoaded = this.scene?.kind === "replay" && this.replay.ticks > 0;
    if (key === "m") {
      this.setSound(!this.sound.isOn);
    } else if (key === "f") {
      fillScreen();
    } else if (key === "escape") {
      if (this.scene?.kind !== "own") {
        this.close();
      }
    } else if (isLoaded && (key === "p" || (key === " " && !isElsewhere))) {
      event.preventDefault();
      this.toggle();
    } else if (isLoaded && !isElsewhere && (key === "arrowleft" || key === "arrowright")) {
      event.preventDefault();
      this.seek(this.replay.tick + (key === "arrowleft" ? -LEAP : LEAP));
    }
  }

  setSound(isOn) {
    this.sound.turn(isOn);
    at("sound").setAttribute("aria-pressed", isOn);
  }

  showMotion(isWanted) {
    at("moving").hidden = !this.wantsLess.matches;
    at("moving").setAttribute("aria-pressed", isWanted);
    this.isSlow = this.wantsLess.matches && !isWanted;
  }

  frame(now) {
    const isCalm = this.isSlow && this.scene?.kind !== "own";
    if (this.replay.isRunning) {
      this.replay.advance(now);
    }
    if (!isCalm || now - this.drawnAt > SLOW_MILLISECONDS) {
      this.drawnAt = now;
      if (this.replay.isRunning || this.wasRunning) {
        this.showReplay();
      } else {
        this.court.draw();
      }
      this.wasRunning = this.replay.isRunning;
    }
    requestAnimationFrame((next) => this.frame(next));
  }
}

function areSame(names, others) {
  return names.every((name, side) => name === others[side]);
}

// Scroll to the court, if it is not seen: on a phone the lists are far away from it.
function show() {
  at("stage").scrollIntoView({ block: "nearest" });
}

function fillScreen() {
  if (document.fullscreenElement) {
    document.exitFullscreen();
  } else {
    document.documentElement.requestFullscreen?.();
  }
}

function capital(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

// Describe a picture in words; those that are there already are left alone, so that nothing is read twice.
function label(canvas, words) {
  if (canvas.getAttribute("aria-label") !== words) {
    canvas.setAttribute("aria-label", words);
  }
}
