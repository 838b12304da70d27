export { CallError, type Details } from "./call-error.ts";
export { type Code, type CodeEntry, codes, type Retry } from "./codes.ts";
export { type ConsentGrant, type ConsentStatus, consentSchemas, type OpenRequest } from "./consent.ts";
export {
  isEnvelopeCode,
  isId,
  isRequest,
  type RequestId,
  type RpcError,
  type RpcErrorData,
  type RpcRequest,
  type RpcResponse,
  subprotocol,
} from "./envelope.ts";
export { EventSubscribe, EventSubscribed, EventsEnded, EventsMissed, EventTold, eventSchemas } from "./events.ts";
export {
  AuditNote,
  AuditNoted,
  CallCancel,
  CallProgress,
  Capabilities,
  Health,
  Manifest,
  type MethodName,
  type MethodSchemas,
  methodSchemas,
  type NotificationName,
  notificationSchemas,
  Prompt,
  Session,
  ToolList,
} from "./methods.ts";
export { plain } from "./plain.ts";
export {
  FilledPrompt,
  ListedPrompt,
  PromptArguments,
  PromptList,
  promptNamePattern,
  promptSchemas,
  toPromptUrl,
} from "./prompts.ts";
export { type Resource, toUri } from "./resource.ts";
export {
  type ListedTemplate,
  ResourceChunk,
  ResourceCredit,
  ResourceList,
  ResourceRead,
  ResourceStream,
  resourceSchemas,
} from "./resources.ts";
export { resultText } from "./result-text.ts";
export { Completion, SamplingArguments, samplingSchemas } from "./sampling.ts";
export {
  Citation,
  Failure,
  Flow,
  Labels,
  Outcome,
  Success,
  ToolCall,
  ToolDescription,
  Trace,
  Turn,
} from "./schemas.ts";
