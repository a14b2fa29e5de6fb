// The sounds of alarms, made in the browser: no file is loaded. A browser allows sound only after a click or a key on a page.

const TONES = { // [frequency in Hz, from and for how many seconds]
  critical: [[880, 0, 0.18], [660, 0.2, 0.18], [880, 0.4, 0.18], [660, 0.6, 0.18]],
  warning: [[520, 0, 0.25]],
};
const LOUD = 0.2;
const RAMP_S = 0.01; // so that it does not click

let context = null;

/** Return whether sound is allowed now: "running", or "suspended" until the person has done something on this page. */
export function soundState() {
  context ??= new AudioContext();
  return context.state;
}

/** Ask the browser to allow sound; it does after a click or a key. Returns whether it does. */
export async function allowSound() {
  soundState();
  await Promise.race([context.resume(), new Promise((done) => { setTimeout(done, 300); })]);
  return context.state === "running";
}

/** Play the sound of a severity. Returns whether it was played to its end. */
export async function play(severity) {
  if (!await allowSound()) return false;
  const start = context.currentTime + 0.02;
  const ends = TONES[severity].map(([hertz, from, seconds]) => new Promise((done) => {
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, start + from);
    volume.gain.linearRampToValueAtTime(LOUD, start + from + RAMP_S);
    volume.gain.setValueAtTime(LOUD, start + from + seconds - RAMP_S);
    volume.gain.linearRampToValueAtTime(0, start + from + seconds);
    tone.connect(volume).connect(context.destination);
    tone.addEventListener("ended", done);
    tone.start(start + from);
    tone.stop(start + from + seconds);
  }));
  await Promise.all(ends);
  return true;
}
