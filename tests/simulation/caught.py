"""Which seed finds which planted bug; `python -m tests.simulation.hunt` looks for them, when scenarios have changed."""

CAUGHT = {
    "a_request_goes_on_after_an_unknown_outcome": 3,
    "a_refusal_is_forgotten": 69,
    "an_unused_answer_is_not_withdrawn": 129,
    "a_key_is_not_claimed": 2,
    "a_substation_does_not_know_a_key_again": 2,
    "a_request_that_was_given_up_is_not_withdrawn": 162,
    "an_answer_that_was_lost_is_not_remembered": 507,
    "the_load_is_forgotten_at_a_restart": 1,
    "paused_sessions_do_not_resume": 5,
    "a_request_stays_in_the_waiting_room": 4,
    "a_claim_is_used_before_its_commit": 6,
    "an_answer_does_not_wait_for_its_commit": 1,
    "a_seat_is_not_given_back": 1,
    "the_withdrawals_in_the_book_are_not_taken_up": 12,
    "a_call_is_sent_again_on_the_next_stream": 507,
    "the_base_load_does_not_count": 5,
    "grid_time_follows_the_wall_clock": 3,
    "reports_are_those_of_the_start": 1,
    "another_journal_does_not_matter": 11,
}
