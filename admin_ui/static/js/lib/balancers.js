// The balancers in words: one, or several.

/** Return the begin of a sentence about no answer; `addresses` are the URLs of the balancers, separated by commas. */
export function noAnswer(addresses) {
  return addresses.includes(", ") ? `None of the balancers at ${addresses} has answered` : `The balancer at ${addresses} has not answered`;
}
