import type { Requirement } from "./requirement.ts";

/** Promises of prompts and of models that are asked. */
export const modelRequirements = {
  "M4.prompts": {
    says: "Prompts of the owner's folder are listed and filled where a policy opens prompt://NAME, and are not there for anyone else.",
    on: ["websocket", "http", "mcp-http", "mcp-http-legacy"],
  },
  "M4.prompts-plain": {
    says: "What a prompt is filled with stays plain text, with secrets masked, and a wrong argument is refused by its name.",
    on: "once",
  },
  "M4.prompts-changed": {
    says: "A prompt that is written, changed or broken is followed within seconds, and clients are told.",
    on: "once",
  },
  "W8.sampling": {
    says: "sampling.create asks the owner's model where a policy names it, and is recorded as any call.",
    on: ["websocket", "http"],
  },
  "W8.leaves": {
    says: "A prompt goes to a model elsewhere only when it is cleared for all that its line of work has seen, and never with a secret; one on this machine is asked all the same.",
    on: "once",
  },
  "W8.faults": {
    says: "A model that fails, or is not there, is a refusal with its code, which tells neither its address nor its key.",
    on: "once",
  },
  "K2.chat": {
    says: "portcullis chat drives an Ollama or OpenAI-compatible model with these tools: purpose and verdict are shown, citations open their checked span, and the chain is in the audit.",
    on: "once",
  },
  "K2.consent": {
    says: "A refused call is put to the owner in the chat, who answers there; what is no answer is no, and nothing in a pipe answers by chance.",
    on: "once",
  },
  "K2.leaves": {
    says: "A chat's model elsewhere is given no private data that it is not cleared for, and the owner is told.",
    on: "once",
  },
  "K3.check": {
    says: "portcullis connect writes an entry that a real call goes through, tells what is wrong where none does, and takes it back.",
    on: "once",
  },
  "K3.chatgpt": {
    says: "portcullis connect chatgpt --check tells of discovery, the refusal that begins a login, search and fetch at a public URL.",
    on: "once",
  },
  "O2.init": {
    says: "portcullis init ends with a connected client, asks nothing that an option told, and writes nothing before its last answer.",
    on: "once",
  },
  "O2.init-codex": { says: "What portcullis init wrote is all that a real Codex needs.", on: "once" },
} as const satisfies Record<string, Requirement>;
