"""What the tests and the benchmarks take for granted of the server that they call MongoDB."""

from pymongo import ReturnDocument

from tests.services.mongodb import MongodbServer


def test_find_and_modify_changes_what_is_kept_and_answers_as_it_was_or_is(mongodb_server: MongodbServer) -> None:
    with mongodb_server.space() as space, mongodb_server.connect() as client:
        kept = client[space.database]["kept"]
        kept.insert_one({"_id": "a", "version": 1})

        before = kept.find_one_and_update({"_id": "a", "version": 1}, {"$set": {"version": 2}})
        missed = kept.find_one_and_update({"_id": "a", "version": 1}, {"$set": {"version": 3}})
        after = kept.find_one_and_update(
            {"_id": "a"}, {"$inc": {"version": 1}}, return_document=ReturnDocument.AFTER, projection={"version": 1}
        )

        assert (before, missed, after) == ({"_id": "a", "version": 1}, None, {"_id": "a", "version": 3})
        assert kept.find_one() == {"_id": "a", "version": 3}
