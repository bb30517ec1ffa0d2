/** Characters that are converted at once: more would block all other requests for a moment. */
const SLICE = 64 * 1024

/** The JSON string, with its quotes, of a text that comes in pieces. */
export async function* toJsonString(
  pieces: Iterable<string> | AsyncIterable<string>
): AsyncGenerator<string> {
  yield '"'
  for await (const piece of pieces) {
    // A surrogate pair that is split between two slices becomes two escape sequences, which JSON reads as one
    // pair.
    for (let at = 0; at < piece.length; at += SLICE) {
      yield JSON.stringify(piece.slice(at, at + SLICE)).slice(1, -1)
    }
  }
  yield '"'
}
