// What an operator can do to one substation. Nothing yet: the buttons come with their previews.
//
// The details of a substation call `fill` once for each substation that is opened. Whatever acts on the grid goes through
// `acts()` of link.js; `stream` tells of "state" for as long as the page is there, so leave when `place.isConnected` is false.

/** Fill `place`, an empty `<div class="actions">`, with the actions on a substation. */
export function fill(place, stream, substationId) {
  place.dataset.substation = substationId;
}
