//! Runs the models. Each of them fails if a wake-up of its file is removed.

mod mailbox {
    use mcp_models::mailbox_model as model;

    #[test]
    fn every_item_reaches_the_reader() {
        model::every_item_reaches_the_reader();
    }

    #[test]
    fn only_the_last_task_of_the_reader_counts() {
        model::only_the_last_task_of_the_reader_counts();
    }

    #[test]
    fn what_is_dropped_is_counted() {
        model::what_is_dropped_is_counted();
    }

    #[test]
    fn a_reader_that_leaves_leaves_nothing() {
        model::a_reader_that_leaves_leaves_nothing();
    }
}

mod legacy_queue {
    use mcp_models::queue_model as model;

    #[test]
    fn a_full_queue_holds_its_session_up() {
        model::a_full_queue_holds_its_session_up();
    }

    #[test]
    fn a_client_that_hangs_up_releases_the_session() {
        model::a_client_that_hangs_up_releases_the_session();
    }

    #[test]
    fn a_reader_that_waits_is_woken() {
        model::a_reader_that_waits_is_woken();
    }

    #[test]
    fn a_cut_ends_the_reader() {
        model::a_cut_ends_the_reader();
    }

    #[test]
    fn an_end_releases_a_writer_of_an_unread_queue() {
        model::an_end_releases_a_writer_of_an_unread_queue();
    }
}

mod pool {
    use mcp_models::pool_model as model;

    #[test]
    fn one_http2_connection_serves_all() {
        model::one_http2_connection_serves_all();
    }

    #[test]
    fn a_failure_lets_the_next_caller_open() {
        model::a_failure_lets_the_next_caller_open();
    }

    #[test]
    fn a_caller_that_gives_up_lets_the_next_one_open() {
        model::a_caller_that_gives_up_lets_the_next_one_open();
    }

    #[test]
    fn http1_callers_do_not_wait_for_each_other() {
        model::http1_callers_do_not_wait_for_each_other();
    }

    #[test]
    fn a_parked_connection_goes_to_one_caller() {
        model::a_parked_connection_goes_to_one_caller();
    }

    #[test]
    fn a_new_connection_follows_one_that_ended() {
        model::a_new_connection_follows_one_that_ended();
    }
}
