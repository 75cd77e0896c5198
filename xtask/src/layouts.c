// Prints `group.field number`, one a line: where one CPython version has what pyrometer reads. Compiled by
// `cargo xtask layouts` once a version, with that version's own headers.
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include <stdio.h>
#if PY_VERSION_HEX >= 0x03090000
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#include "internal/pycore_gc.h"
#else
#include "internal/pycore_pystate.h"
#endif
#include "internal/pycore_gil.h"
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_frame.h"
#include "internal/pycore_dict.h"
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe_structs.h"
#include "internal/pycore_debug_offsets.h"
#endif
#if PY_VERSION_HEX >= 0x030D0000
#define NEED_OPCODE_METADATA
#include "internal/pycore_opcode_metadata.h"
#include "opcode_ids.h"
#else
#define NEED_OPCODE_TABLES
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_opcode.h"
#endif
#include "opcode.h"
#endif

#define N(name, number) printf("%s %ld\n", name, (long)(number))
#define F(name, type, member) N(name, offsetof(type, member))

static void runtime(void) {
    F("runtime.interpreters_head", _PyRuntimeState, interpreters.head);
#if PY_VERSION_HEX < 0x030C0000
    F("runtime.gil", _PyRuntimeState, ceval.gil);
#endif
#if PY_VERSION_HEX < 0x03090000
    F("runtime.gc", _PyRuntimeState, gc);
    F("runtime.gil_drop_request", _PyRuntimeState, ceval.gil_drop_request);
#endif
    F("interpreter.id", PyInterpreterState, id);
    F("interpreter.next", PyInterpreterState, next);
#if PY_VERSION_HEX >= 0x030B0000
    F("interpreter.threads_head", PyInterpreterState, threads.head);
#else
    F("interpreter.threads_head", PyInterpreterState, tstate_head);
#endif
#if PY_VERSION_HEX >= 0x03090000
    F("interpreter.gc", PyInterpreterState, gc);
#endif
#if PY_VERSION_HEX >= 0x03090000 && PY_VERSION_HEX < 0x030D0000
    F("interpreter.gil_drop_request", PyInterpreterState, ceval.gil_drop_request);
#endif
#if PY_VERSION_HEX >= 0x030C0000
    F("interpreter.gil", PyInterpreterState, ceval.gil);
    F("interpreter.modules", PyInterpreterState, imports.modules);
#else
    F("interpreter.modules", PyInterpreterState, modules);
#endif
    F("gc.collecting", struct _gc_runtime_state, collecting);
    F("gil.last_holder", struct _gil_runtime_state, last_holder);
    F("gil.locked", struct _gil_runtime_state, locked);
    F("gil.switch_number", struct _gil_runtime_state, switch_number);
    F("gil.cond", struct _gil_runtime_state, cond);
    N("gil.size", sizeof(struct _gil_runtime_state));
}

static void thread(void) {
    F("thread.previous", PyThreadState, prev);
    F("thread.next", PyThreadState, next);
    F("thread.interpreter", PyThreadState, interp);
    F("thread.ident", PyThreadState, thread_id);
#if PY_VERSION_HEX >= 0x030B0000
    F("thread.native_id", PyThreadState, native_thread_id);
    F("thread.chunk", PyThreadState, datastack_chunk);
    F("thread.chunk_top", PyThreadState, datastack_top);
    F("chunk.previous", _PyStackChunk, previous);
    F("chunk.size", _PyStackChunk, size);
    F("chunk.top", _PyStackChunk, top);
    F("chunk.data", _PyStackChunk, data);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    F("thread.frame", PyThreadState, current_frame);
    F("thread.status", PyThreadState, _status);
    F("thread.state", PyThreadState, state);
#elif PY_VERSION_HEX >= 0x030B0000
    F("thread.frame", PyThreadState, cframe);
    F("cframe.frame", _PyCFrame, current_frame);
#else
    F("thread.frame", PyThreadState, frame);
#endif
    N("thread.size", sizeof(PyThreadState));
}

static void frame(void) {
#if PY_VERSION_HEX >= 0x030B0000
    F("frame.previous", _PyInterpreterFrame, previous);
    F("frame.localsplus", _PyInterpreterFrame, localsplus);
    F("frame.owner", _PyInterpreterFrame, owner);
#if PY_VERSION_HEX >= 0x030E0000
    F("frame.stack", _PyInterpreterFrame, stackpointer);
#else
    F("frame.stack", _PyInterpreterFrame, stacktop);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    F("frame.code", _PyInterpreterFrame, f_executable);
    F("frame.function", _PyInterpreterFrame, f_funcobj);
    F("frame.instruction", _PyInterpreterFrame, instr_ptr);
#elif PY_VERSION_HEX >= 0x030C0000
    F("frame.code", _PyInterpreterFrame, f_code);
    F("frame.function", _PyInterpreterFrame, f_funcobj);
    F("frame.instruction", _PyInterpreterFrame, prev_instr);
#else
    F("frame.code", _PyInterpreterFrame, f_code);
    F("frame.function", _PyInterpreterFrame, f_func);
    F("frame.instruction", _PyInterpreterFrame, prev_instr);
    F("frame.is_entry", _PyInterpreterFrame, is_entry);
#endif
#else
    F("frame.previous", PyFrameObject, f_back);
    F("frame.code", PyFrameObject, f_code);
    F("frame.instruction", PyFrameObject, f_lasti);
    F("frame.localsplus", PyFrameObject, f_localsplus);
    F("frame.value_stack", PyFrameObject, f_valuestack);
#if PY_VERSION_HEX >= 0x030A0000
    F("frame.stack", PyFrameObject, f_stackdepth);
    F("frame.executing", PyFrameObject, f_state);
#else
    F("frame.stack", PyFrameObject, f_stacktop);
    F("frame.executing", PyFrameObject, f_executing);
#endif
#endif
}

static void code(void) {
    F("code.filename", PyCodeObject, co_filename);
    F("code.name", PyCodeObject, co_name);
    F("code.firstlineno", PyCodeObject, co_firstlineno);
    F("code.stacksize", PyCodeObject, co_stacksize);
    F("code.flags", PyCodeObject, co_flags);
    F("code.nlocals", PyCodeObject, co_nlocals);
#if PY_VERSION_HEX >= 0x030A0000
    F("code.linetable", PyCodeObject, co_linetable);
#else
    F("code.linetable", PyCodeObject, co_lnotab);
#endif
#if PY_VERSION_HEX >= 0x030B0000
    F("code.qualname", PyCodeObject, co_qualname);
    F("code.nlocalsplus", PyCodeObject, co_nlocalsplus);
    F("code.localsplusnames", PyCodeObject, co_localsplusnames);
    F("code.localspluskinds", PyCodeObject, co_localspluskinds);
    F("code.firsttraceable", PyCodeObject, _co_firsttraceable);
    F("code.bytecode", PyCodeObject, co_code_adaptive);
#else
    F("code.bytecode", PyCodeObject, co_code);
    F("code.varnames", PyCodeObject, co_varnames);
    F("code.cellvars", PyCodeObject, co_cellvars);
    F("code.freevars", PyCodeObject, co_freevars);
#endif
#if PY_VERSION_HEX >= 0x030C0000
    F("code.framesize", PyCodeObject, co_framesize);
#endif
    N("code.size", sizeof(PyCodeObject));
}

#if PY_VERSION_HEX < 0x030B0000
// Objects/dict-common.h, which is not installed before 3.11.
struct dict_keys {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};
#define DICT_KEYS struct dict_keys
#else
#define DICT_KEYS struct _dictkeysobject
#endif

static void objects(void) {
    F("object.type", PyObject, ob_type);
    N("object.size", sizeof(PyObject));
    F("object.count", PyVarObject, ob_size);
    F("type.name", PyTypeObject, tp_name);
    F("type.flags", PyTypeObject, tp_flags);
    F("type.basicsize", PyTypeObject, tp_basicsize);
    F("type.dictoffset", PyTypeObject, tp_dictoffset);
    F("type.cached_keys", PyHeapTypeObject, ht_cached_keys);
    F("string.length", PyASCIIObject, length);
    F("string.state", PyASCIIObject, state);
    N("string.ascii", sizeof(PyASCIIObject));
    N("string.compact", sizeof(PyCompactUnicodeObject));
    F("bytes.data", PyBytesObject, ob_sval);
    F("float.value", PyFloatObject, ob_fval);
#if PY_VERSION_HEX >= 0x030C0000
    F("int.tag", PyLongObject, long_value.lv_tag);
    F("int.digits", PyLongObject, long_value.ob_digit);
#else
    F("int.tag", PyVarObject, ob_size);
    F("int.digits", PyLongObject, ob_digit);
#endif
    F("tuple.items", PyTupleObject, ob_item);
    F("list.items", PyListObject, ob_item);
    F("dict.used", PyDictObject, ma_used);
    F("dict.keys", PyDictObject, ma_keys);
    F("dict.values", PyDictObject, ma_values);
#if PY_VERSION_HEX >= 0x030B0000
    F("keys.log2_size", DICT_KEYS, dk_log2_size);
    F("keys.log2_index_bytes", DICT_KEYS, dk_log2_index_bytes);
    F("keys.kind", DICT_KEYS, dk_kind);
#else
    F("keys.size", DICT_KEYS, dk_size);
#endif
    F("keys.nentries", DICT_KEYS, dk_nentries);
    F("keys.indices", DICT_KEYS, dk_indices);
    F("set.used", PySetObject, used);
    F("cfunction.method", PyCFunctionObject, m_ml);
    F("cfunction.receiver", PyCFunctionObject, m_self);
    F("cfunction.module", PyCFunctionObject, m_module);
    F("descriptor.type", PyDescrObject, d_type);
    F("descriptor.name", PyDescrObject, d_name);
    F("method.name", PyMethodDef, ml_name);
    F("bound.function", PyMethodObject, im_func);
}

#if PY_VERSION_HEX >= 0x030D0000
#define D(name, member) N("exported." name, offsetof(_Py_DebugOffsets, member))
static void exported(void) {
    D("free_threaded", free_threaded);
    D("runtime_size", runtime_state.size);
    D("runtime.interpreters_head", runtime_state.interpreters_head);
    D("interpreter_size", interpreter_state.size);
    D("interpreter.id", interpreter_state.id);
    D("interpreter.next", interpreter_state.next);
    D("interpreter.threads_head", interpreter_state.threads_head);
    D("interpreter.gc", interpreter_state.gc);
    D("interpreter.modules", interpreter_state.imports_modules);
    D("interpreter.gil", interpreter_state.ceval_gil);
    D("gil_base", interpreter_state.gil_runtime_state);
    D("gil_locked", interpreter_state.gil_runtime_state_locked);
    D("gil_holder", interpreter_state.gil_runtime_state_holder);
    D("thread.size", thread_state.size);
    D("thread.previous", thread_state.prev);
    D("thread.next", thread_state.next);
    D("thread.interpreter", thread_state.interp);
    D("thread.frame", thread_state.current_frame);
    D("thread.ident", thread_state.thread_id);
    D("thread.native_id", thread_state.native_thread_id);
    D("thread.chunk", thread_state.datastack_chunk);
    D("thread.status", thread_state.status);
    D("frame.previous", interpreter_frame.previous);
    D("frame.code", interpreter_frame.executable);
    D("frame.instruction", interpreter_frame.instr_ptr);
    D("frame.localsplus", interpreter_frame.localsplus);
    D("frame.owner", interpreter_frame.owner);
#if PY_VERSION_HEX >= 0x030E0000
    D("frame.stack", interpreter_frame.stackpointer);
    D("interpreter.code_generation", interpreter_state.code_object_generation);
    D("frame.tlbc_index", interpreter_frame.tlbc_index);
    D("code.tlbc", code_object.co_tlbc);
#endif
    D("code.size", code_object.size);
    D("code.filename", code_object.filename);
    D("code.name", code_object.name);
    D("code.qualname", code_object.qualname);
    D("code.linetable", code_object.linetable);
    D("code.firstlineno", code_object.firstlineno);
    D("code.localsplusnames", code_object.localsplusnames);
    D("code.localspluskinds", code_object.localspluskinds);
    D("code.bytecode", code_object.co_code_adaptive);
    D("object.size", pyobject.size);
    D("object.type", pyobject.ob_type);
    D("type.name", type_object.tp_name);
    D("type.flags", type_object.tp_flags);
    D("tuple.items", tuple_object.ob_item);
    D("object.count", tuple_object.ob_size);
    D("list.items", list_object.ob_item);
    D("dict.keys", dict_object.ma_keys);
    D("dict.values", dict_object.ma_values);
    D("float.value", float_object.ob_fval);
    D("int.tag", long_object.lv_tag);
    D("int.digits", long_object.ob_digit);
    D("bytes.data", bytes_object.ob_sval);
    D("string.state", unicode_object.state);
    D("string.length", unicode_object.length);
    D("string.ascii", unicode_object.asciiobject_size);
    D("gc.collecting", gc.collecting);
    N("exported.size", sizeof(_Py_DebugOffsets));
}
#else
static void exported(void) {}
#endif

// Opcodes that end or leave a frame: one that stands on such an instruction has no callee.
static void opcodes(void) {
#define O(opcode) N("opcode." #opcode, opcode)
    O(RETURN_VALUE);
    O(YIELD_VALUE);
#ifdef RESUME
    O(RESUME);
#endif
#ifdef INSTRUMENTED_RESUME
    O(INSTRUMENTED_RESUME);
#endif
#ifdef RETURN_CONST
    O(RETURN_CONST);
#endif
#ifdef RETURN_GENERATOR
    O(RETURN_GENERATOR);
#endif
#ifdef INSTRUMENTED_RETURN_VALUE
    O(INSTRUMENTED_RETURN_VALUE);
#endif
#ifdef INSTRUMENTED_RETURN_CONST
    O(INSTRUMENTED_RETURN_CONST);
#endif
#ifdef INSTRUMENTED_YIELD_VALUE
    O(INSTRUMENTED_YIELD_VALUE);
#endif
#ifdef CALL
    O(CALL);
#endif
#ifdef CALL_KW
    O(CALL_KW);
#endif
#ifdef CALL_FUNCTION_EX
    O(CALL_FUNCTION_EX);
#endif
#ifdef CALL_FUNCTION
    O(CALL_FUNCTION);
#endif
#ifdef CALL_METHOD
    O(CALL_METHOD);
#endif
#ifdef CALL_FUNCTION_KW
    O(CALL_FUNCTION_KW);
#endif
}

// What each instruction is a specialisation of, and how many cache units follow it.
static void instructions(void) {
#if PY_VERSION_HEX >= 0x030B0000
    for (int opcode = 0; opcode < 256; opcode++) {
        printf("deopt.%d %d\ncaches.%d %d\n", opcode, _PyOpcode_Deopt[opcode], opcode, _PyOpcode_Caches[opcode]);
    }
#endif
}

int main(void) {
    instructions();
    N("version", PY_VERSION_HEX);
    runtime();
    thread();
    frame();
    code();
    objects();
    exported();
    opcodes();
    return 0;
}
