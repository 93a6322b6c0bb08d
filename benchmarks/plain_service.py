"""A service without batches, to compare with: it annotates one request at a time."""

import os
from threading import Lock
from typing import Annotated

import spacy
from fastapi import FastAPI
from pydantic import BaseModel, Field, StringConstraints

import served
from spacy_str_encoder import Annotations, to_annotations

nlp = spacy.load(os.environ[served.PIPELINE])
app, lock = FastAPI(), Lock()


class Texts(BaseModel):
    texts: list[Annotated[str, StringConstraints(max_length=20_000)]] = Field(max_length=64)


@app.post("/annotate", response_model=None)
def annotate(request: Texts) -> list[Annotations]:
    with lock, nlp.memory_zone():
        return [to_annotations(doc) for doc in nlp.pipe(request.texts)]
