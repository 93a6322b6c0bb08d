# The service with a pipeline. docs/deployment.md tells how to build the two wheels, and the image.
FROM python:3.13-slim

ARG LIBRARY=dist/spacy_str_encoder-0.1.0-py3-none-any.whl
ARG PIPELINE=packages/zh_coronary-1.0.0/dist/zh_coronary-1.0.0-py3-none-any.whl
# The name of the package in the second wheel.
ARG MODEL=zh_coronary

COPY constraints.txt ${LIBRARY} ${PIPELINE} /wheels/
# PyTorch without CUDA comes first: it is gigabytes smaller.
RUN pip install --no-cache-dir --constraint /wheels/constraints.txt torch \
        --index-url https://download.pytorch.org/whl/cpu \
    && pip install --no-cache-dir --constraint /wheels/constraints.txt \
        "/wheels/$(basename "${LIBRARY}")[serve]" "/wheels/$(basename "${PIPELINE}")" \
    && rm -r /wheels

# Nothing is downloaded when the service runs, and nothing is written but to /tmp.
ENV MODEL=${MODEL} HF_HUB_OFFLINE=1 HOME=/tmp
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/ready')"]
# What follows the name of the image are options of the command.
ENTRYPOINT ["sh", "-c", "exec spacy-str-encoder serve \"$MODEL\" --host 0.0.0.0 \"$@\"", "serve"]
