/* Asks a SavedModel for probabilities through TensorFlow's C library alone.

   c_client FOLDER OUTPUT ROWS [INPUT VALUE...]...

   FOLDER  the SavedModel
   OUTPUT  name of the output's operation, and its index, as in StatefulPartitionedCall:0
   ROWS    number of values of each input
   INPUT   name of an input's operation, followed by its values, one a row

   Prints one probability a line. An input that is not given has its default. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static TF_Status* status;

static void check(const char* task) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s: %s\n", task, TF_Message(status));
    exit(1);
  }
}

static TF_Output output_named(TF_Graph* graph, char* name) {
  char* colon = strrchr(name, ':');
  if (colon) *colon = '\0';
  TF_Output output = {TF_GraphOperationByName(graph, name), colon ? atoi(colon + 1) : 0};
  if (!output.oper) {
    fprintf(stderr, "no operation is named %s\n", name);
    exit(1);
  }
  return output;
}

static void free_strings(void* data, size_t length, void* rows) {
  for (size_t i = 0; i < (size_t)rows; i++) TF_StringDealloc((TF_TString*)data + i);
  free(data);
}

static TF_Tensor* strings(char** values, int64_t rows) {
  TF_TString* data = malloc(rows * sizeof(TF_TString));
  for (int64_t i = 0; i < rows; i++) {
    TF_StringInit(&data[i]);
    TF_StringCopy(&data[i], values[i], strlen(values[i]));
  }
  size_t bytes = rows * sizeof(TF_TString);
  return TF_NewTensor(TF_STRING, &rows, 1, data, bytes, free_strings, (void*)(size_t)rows);
}

int main(int count, char** arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: c_client FOLDER OUTPUT ROWS [INPUT VALUE...]...\n");
    return 2;
  }
  status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph,
                                                     NULL, status);
  check("load");

  int64_t rows = atoll(arguments[3]);
  int inputs = (count - 4) / (rows + 1);
  TF_Output* fed = malloc(inputs * sizeof(TF_Output));
  TF_Tensor** values = malloc(inputs * sizeof(TF_Tensor*));
  for (int i = 0; i < inputs; i++) {
    char** given = arguments + 4 + i * (rows + 1);
    fed[i] = output_named(graph, given[0]);
    values[i] = strings(given + 1, rows);
  }
  TF_Output fetched = output_named(graph, arguments[2]);
  TF_Tensor* result;
  TF_SessionRun(session, NULL, fed, values, inputs, &fetched, &result, 1, NULL, 0, NULL, status);
  check("run");
  const float* ctr = TF_TensorData(result);
  for (int64_t i = 0; i < TF_TensorElementCount(result); i++) printf("%.9g\n", ctr[i]);

  TF_DeleteTensor(result);
  for (int i = 0; i < inputs; i++) TF_DeleteTensor(values[i]);
  free(values);
  free(fed);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
  return 0;
}
