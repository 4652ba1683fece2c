"""The process: `python tests/services/qdrant_stand_in --port 6333 --path /folder --api-key …`."""

import argparse
import warnings
from pathlib import Path

import uvicorn
from http_api import Api
from journal import Journal


def main() -> None:
    """Answer until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", type=Path, required=True, help="the folder of the data")
    parser.add_argument("--api-key", required=True)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "Local mode")  # it is meant for less than we do
    api = Api(Journal(options.path / "changes"), options.api_key)
    uvicorn.run(api.application(), host=options.host, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
