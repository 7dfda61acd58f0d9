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

  // Make the sound of what is new; `counts` are hits, bounces and points so far.
  take(counts) {
    const before = this.counts;
    this.counts = counts;
    if (!this.isOn || before === null || this.audio.currentTime < this.free) {
      return;
    }
    const fresh = counts.findLastIndex((count, kind) => count > before[kind]);
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
