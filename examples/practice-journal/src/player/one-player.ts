let playing: HTMLAudioElement | undefined

/** Pauses what is playing, unless it is `audio`, which plays from now on. */
export function pauseOthers(audio?: HTMLAudioElement) {
  if (playing !== audio) playing?.pause()
  playing = audio
}
