export { CallError, type Details } from "./call-error.ts";
export { type Code, type CodeEntry, codes, type Retry } from "./codes.ts";
export { type Resource, toUri } from "./resource.ts";
export {
  Citation,
  Failure,
  Labels,
  Outcome,
  Success,
  ToolCall,
  ToolDescription,
  Trace,
} from "./schemas.ts";
