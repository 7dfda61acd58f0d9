// The three sounds of Pong. They are made here, so nothing has to be loaded.

const TONES = [
  [490, 0.05], // a paddle: pitch in hertz, seconds
  [245, 0.05], // a wall
  [160, 0.25], // a point
];
const APART = 0.04; // seconds between two sounds; a game that trains makes hundreds

export class Sound {
  constructor() {
    this.isOn = false;
    this.counts = null; // hits, bounces and points so far
    this.free = 0;
  }

  // Browsers allow sound only after a person has done something, such as this.
  turn(isOn) {
    this.isOn = isOn;
    if (isOn) {
      this.audio ??= new AudioContext();
      this.audio.resume();
    }
  }

  // Be quiet about what was before: another game is shown.
  forget() {
    this.counts = null;
  }

  // Make the sound of what is new; `counts` are hits, bounces and points so far.
  take(counts) {
    const before = this.counts;
    this.counts = counts;
    if (!this.isOn || before === null || this.audio.currentTime < this.free) {
      return;
    }
    const fresh = counts.map((count, kind) => count > before[kind]).lastIndexOf(true);
    if (fresh >= 0) {
      this.play(...TONES[fresh]);
    }
  }

  play(pitch, seconds) {
    const start = this.audio.currentTime;
    const tone = this.audio.createOscillator();
    const loudness = this.audio.createGain();
    tone.type = "square";
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.05, start);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + seconds);
    tone.connect(loudness).connect(this.audio.destination);
    tone.start(start);
    tone.stop(start + seconds);
    this.free = start + APART;
  }
}

// Counts hits, bounces and points by where the ball goes, for games of which nobody has told these numbers.
export class Ear {
  constructor() {
    this.forget();
  }

  forget() {
    this.counts = [0, 0, 0];
    this.last = null; // the ball's place
    this.speed = [0, 0];
  }

  // Return the counts, now that the ball is there and so many points have been made.
  take(x, y, points) {
    const [dx, dy] = this.last === null ? [0, 0] : [x - this.last[0], y - this.last[1]];
    this.last = [x, y];
    if (points !== this.counts[2]) {
      this.counts[2] = points;
      this.speed = [0, 0]; // the next serve flies anywhere
      return this.counts.slice();
    }
    if (dx * this.speed[0] < 0) {
      this.counts[0] += 1;
    } else if (dy * this.speed[1] < 0) {
      this.counts[1] += 1;
    }
    this.speed = [dx || this.speed[0], dy || this.speed[1]];
    return this.counts.slice();
  }
}
