"""Which seed finds which planted bug; `python -m tests.simulation.hunt` looks for them, when scenarios have changed."""

CAUGHT = {
    "a_request_goes_on_after_an_unknown_outcome": 3,
    "a_key_is_not_claimed": 2,
    "a_substation_does_not_know_a_key_again": 2,
    "a_claim_is_used_before_its_commit": 6,
    "an_answer_does_not_wait_for_its_commit": 1,
    "a_seat_is_not_given_back": 1,
    "the_withdrawals_in_the_book_are_not_taken_up": 12,
    "a_call_is_sent_again_on_the_next_stream": 507,
}
