-- SPDX-License-Identifier: MIT
--
-- machnet.lua - Wireshark and tshark understand Machnet packets
--
-- Finds them by their look on any UDP port (Analyze, Enabled Protocols, machnet_udp), and takes
-- every packet on the ports of the preference for one, so that broken packets are shown there, too.
-- The layout is that of include/machnet/wire.h; Documentation/protocol.md explains it.

local VERSION = 2
local HDR, TAG = 40, 16
local INIT, ANSWER, RETRY, FRAMES, RESET = 1, 2, 3, 4, 5
local PAD, PING, ACK, DATA, CREDIT, OPEN, ACCEPT, REFUSE, ABORT, STOP = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
local MOVE, CHALLENGE, RESPONSE, CANDIDATE, ARRIVAL, ADVICE = 10, 11, 12, 13, 14, 15
local FIN, ROOM = 0x01, 0x02
local ROOM_LEN, RANGE_LEN, RANGES_MAX, PREFIX = 12, 8, 32, 4
local UNKNOWN, BUSY, CLOSED, REFUSED, ELSEWHERE, ABORTED = 1, 2, 3, 4, 5, 6
-- Numbers up to this are exact in Lua.
local EXACT = 2 ^ 53

local types = { [INIT] = "INIT", [ANSWER] = "ANSWER", [RETRY] = "RETRY", [FRAMES] = "FRAMES", [RESET] = "RESET" }
local bodies = { [INIT] = 48, [ANSWER] = 48, [RETRY] = 8, [RESET] = 16 }
local codes = { [0] = "NONE", "UNKNOWN", "BUSY", "CLOSED", "REFUSED", "ELSEWHERE", "ABORTED" }
local frame_types = { [0] = "PAD", "PING", "ACK", "DATA", "CREDIT", "OPEN", "ACCEPT", "REFUSE", "ABORT", "STOP", "MOVE",
	"CHALLENGE", "RESPONSE", "CANDIDATE", "ARRIVAL", "ADVICE" }
local frame_sizes = { [0] = 1, 4, 24, 16, 20, 28, 24, 8, 8, 8, 20, 16, 16, 16, 16, 16 }
-- Flags that a frame may have in its second byte, and the codes of those that have one.
local frame_flags = { [DATA] = FIN + ROOM, [OPEN] = FIN }
local move_steps = { [0] = "ASK", "TAKEN", "REFUSED", "VOID", "HERE" }
local frame_codes = {
	[REFUSE] = { [BUSY] = true, [REFUSED] = true, [ELSEWHERE] = true },
	[ABORT] = { [ABORTED] = true },
	[STOP] = { [0] = true },
}
-- Reserved bytes: pairs of offset and length.
local frame_reserved = {
	[PING] = { 1, 3 }, [ACK] = { 22, 2 }, [CREDIT] = { 1, 3 }, [OPEN] = { 22, 2 }, [ACCEPT] = { 1, 3 }, [ABORT] = { 1, 1 },
	[STOP] = { 1, 1 }, [MOVE] = { 2, 2 }, [CHALLENGE] = { 1, 7 }, [RESPONSE] = { 1, 7 }, [CANDIDATE] = { 1, 3, 8, 8 },
	[ARRIVAL] = { 2, 2, 12, 4 }, [ADVICE] = { 1, 3, 12, 4 },
}

local machnet = Proto("machnet", "Machnet transport")

local f = {
	version = ProtoField.uint8("machnet.version", "Version"),
	type = ProtoField.uint8("machnet.type", "Type", base.DEC, types),
	engine = ProtoField.uint8("machnet.engine", "Engine of the sender"),
	reserved = ProtoField.bytes("machnet.reserved", "Reserved"),
	behind = ProtoField.uint32("machnet.behind", "Behind", base.DEC, nil, nil, "Numbers below number - behind matter no more"),
	path = ProtoField.uint64("machnet.path", "Path, by its receiver's id", base.HEX),
	number = ProtoField.uint64("machnet.number", "Packet number", base.DEC),
	tag = ProtoField.bytes("machnet.tag", "Tag"),
	id = ProtoField.uint64("machnet.id", "Id", base.HEX, nil, nil,
		"INIT, ANSWER: the sender's id of the path; RESET UNKNOWN: the id that is unknown to the sender"),
	instance = ProtoField.uint64("machnet.instance", "Instance of the sender's host", base.HEX),
	cookie = ProtoField.uint64("machnet.cookie", "Cookie", base.HEX),
	ts = ProtoField.uint32("machnet.ts", "Timestamp of the INIT"),
	mss = ProtoField.uint16("machnet.mss", "Largest UDP payload"),
	window = ProtoField.uint16("machnet.window", "Window in packets"),
	port = ProtoField.uint16("machnet.port", "Port of the listener"),
	port_first = ProtoField.uint16("machnet.port_first", "First path port of the sender"),
	port_count = ProtoField.uint16("machnet.port_count", "Path ports of the sender"),
	wanted = ProtoField.uint8("machnet.wanted", "Engine that is wanted"),
	code = ProtoField.uint32("machnet.code", "Code", base.DEC, codes),
	to = ProtoField.uint8("machnet.to", "Engine that sent the packet for the unknown path"),
	frame = ProtoField.none("machnet.frame", "Frame"),
	frame_type = ProtoField.uint8("machnet.frame.type", "Type", base.DEC, frame_types),
	flags = ProtoField.uint8("machnet.frame.flags", "Flags", base.HEX),
	fin = ProtoField.bool("machnet.frame.fin", "FIN: the stream ends behind the payload", 8, nil, FIN),
	has_room = ProtoField.bool("machnet.frame.has_room", "A room lies in front of the payload", 8, nil, ROOM),
	conn = ProtoField.uint32("machnet.conn", "Connection, by its receiver's number", base.HEX, nil, nil, "OPEN: by the sender's"),
	mine = ProtoField.uint32("machnet.mine", "Connection, by the sender's number", base.HEX),
	offset = ProtoField.uint64("machnet.offset", "Offset", base.DEC),
	len = ProtoField.uint16("machnet.len", "Bytes of payload"),
	payload = ProtoField.bytes("machnet.payload", "Payload"),
	accepted = ProtoField.uint64("machnet.accepted", "Accepted up to", base.DEC),
	drops = ProtoField.uint8("machnet.drops", "Drops"),
	credit = ProtoField.uint32("machnet.credit", "Credit", base.DEC, nil, nil, "Bytes beyond accepted that may be sent"),
	serial = ProtoField.uint64("machnet.serial", "Serial", base.DEC),
	client_port = ProtoField.uint32("machnet.client_port", "Port of the opener"),
	frame_engine = ProtoField.uint8("machnet.frame.engine", "Engine"),
	largest = ProtoField.uint64("machnet.ack.largest", "Largest number that has arrived", base.DEC),
	run = ProtoField.uint32("machnet.ack.run", "Numbers below it that have arrived"),
	delay = ProtoField.uint32("machnet.ack.delay", "Waited in us"),
	wait = ProtoField.uint16("machnet.ack.wait", "And may have waited before, in us"),
	range = ProtoField.none("machnet.ack.range", "Range that has arrived"),
	first = ProtoField.uint64("machnet.ack.first", "From", base.DEC),
	last = ProtoField.uint64("machnet.ack.last", "To", base.DEC),
	value = ProtoField.uint64("machnet.frame.value", "Path, nonce", base.HEX),
	step = ProtoField.uint8("machnet.move.step", "Step", base.DEC, move_steps),
	token = ProtoField.uint32("machnet.frame.token", "Token, serial", base.HEX),
	src_port = ProtoField.uint16("machnet.frame.src_port", "Source port"),
	dst_port = ProtoField.uint16("machnet.frame.dst_port", "Destination port"),
	stream = ProtoField.uint32("machnet.stream", "Number of the connection in this capture"),
	path_index = ProtoField.uint32("machnet.path_index", "Number of the path in this capture"),
	again = ProtoField.bool("machnet.again", "Sent again, or overtaken"),
	rtt = ProtoField.uint32("machnet.rtt", "Round trip in us", base.DEC, nil, nil,
		"Capture time of this acknowledgement since the packet, without the peer's wait"),
	msg_offset = ProtoField.uint64("machnet.message.offset", "A message begins at", base.DEC),
	msg_len = ProtoField.uint32("machnet.message.len", "Bytes of the message"),
}
machnet.fields = f

local e = {
	short = ProtoExpert.new("machnet.expert.short", "Shorter than it says", expert.group.MALFORMED, expert.severity.ERROR),
	version = ProtoExpert.new("machnet.expert.version", "Another version", expert.group.PROTOCOL, expert.severity.ERROR),
	type = ProtoExpert.new("machnet.expert.type", "Unknown type", expert.group.PROTOCOL, expert.severity.ERROR),
	reserved = ProtoExpert.new("machnet.expert.reserved", "Reserved bits are set", expert.group.PROTOCOL, expert.severity.ERROR),
	malformed = ProtoExpert.new("machnet.expert.malformed", "Cannot be true", expert.group.MALFORMED, expert.severity.ERROR),
	again = ProtoExpert.new("machnet.expert.again", "Sent again, or overtaken", expert.group.SEQUENCE, expert.severity.NOTE),
	no_credit = ProtoExpert.new("machnet.expert.zero_credit", "Nothing may be sent", expert.group.SEQUENCE, expert.severity.NOTE),
	reset = ProtoExpert.new("machnet.expert.reset", "The path is over", expert.group.SEQUENCE, expert.severity.WARN),
	aborted = ProtoExpert.new("machnet.expert.abort", "The connection is over", expert.group.SEQUENCE, expert.severity.WARN),
}
machnet.experts = { e.short, e.version, e.type, e.reserved, e.malformed, e.again, e.no_credit, e.reset, e.aborted }

machnet.prefs.ports = Pref.range("UDP ports", "61440-61503", "Ports on which every packet is taken for one of Machnet", 65535)

-- What was learned of the capture so far: directions of paths by the id that packets carry, and what to show of each packet.
local directions, packets, n_paths, n_streams

function machnet.init()
	directions, packets, n_paths, n_streams = {}, {}, 0, 0
end

local function has(flags, flag)
	return math.floor(flags / flag) % 2 == 1
end

local function is_zero(range)
	local bytes = range:bytes()

	for i = 0, bytes:len() - 1 do
		if bytes:get_index(i) ~= 0 then
			return false
		end
	end
	return true
end

local function u64(range)
	return range:uint64():tonumber()
end

-- A number as a value of a field of 64 bits.
local function to64(n)
	return UInt64(n % 2 ^ 32, math.floor(n / 2 ^ 32))
end

-- --- frames ---

-- The frame at offset at; nil and what is wrong with it: an expert and a text.
local function read_frame(tvb, at)
	local left = tvb:captured_len() - at
	local fr = { at = at, type = tvb(at, 1):uint(), flags = 0, len = 0 }

	if not frame_types[fr.type] then
		return nil, e.type, "Unknown type of frame " .. fr.type
	end
	fr.size = frame_sizes[fr.type]
	if fr.type == PAD then
		fr.size = left
		return fr
	end
	if left < fr.size then
		return nil, e.short
	end
	if frame_flags[fr.type] then
		fr.flags = tvb(at + 1, 1):uint()
		fr.room = fr.type == DATA and has(fr.flags, ROOM) and at + 16
		fr.payload_at = at + fr.size + (fr.room and ROOM_LEN or 0)
		fr.len = tvb(at + 2, 2):uint()
		fr.size = fr.payload_at - at + fr.len
	elseif fr.type == ACK then
		fr.ranges = tvb(at + 1, 1):uint()
		fr.size = fr.size + fr.ranges * RANGE_LEN
	end
	if left < fr.size then
		return nil, e.short
	end
	fr.room = fr.room or (fr.type == CREDIT and at + 8) or (fr.type == ACCEPT and at + 12)
	if fr.type >= DATA and fr.type <= MOVE then
		fr.conn = tvb(at + 4, 4):uint()
	end
	fr.offset = fr.type == DATA and u64(tvb(at + 8, 8)) or 0
	return fr
end

-- Ranges that an ACK names, downwards; the last one is nil when they are none.
local function ack_ranges(tvb, fr)
	local largest, run = tvb(fr.at + 8, 8):uint64(), tvb(fr.at + 16, 4):uint()
	local first = largest - UInt64(run)
	local list = { { first = first, last = largest, at = fr.at + 8, len = 12 } }
	local sound = UInt64(run) < largest

	for i = 0, fr.ranges - 1 do
		local at = fr.at + 24 + i * RANGE_LEN
		local missing, there = tvb(at, 4):uint(), tvb(at + 4, 4):uint()

		sound = sound and missing > 0 and there > 0 and UInt64(missing) + UInt64(there) < first
		if not sound then
			break
		end
		local last = first - UInt64(missing + 1)

		first = last + UInt64(1) - UInt64(there)
		list[#list + 1] = { first = first, last = last, at = at, len = RANGE_LEN }
	end
	return list, sound
end

-- --- what is learned ---

-- The direction of a path towards the end that chose the id.
local function direction(id)
	local d = directions[id]

	if not d then
		d = { index = n_paths, sent = {}, conns = {} }
		n_paths = n_paths + 1
		directions[id] = d
	end
	return d
end

local function join(id, other)
	local d = direction(id)
	local o = directions[other]

	if not o then
		o = { index = d.index, sent = {}, conns = {} }
		directions[other] = o
	end
	o.index = d.index
	d.reverse, o.reverse = o, d
end

local function new_stream(number)
	return { stream = number, highest = 0, next_message = 0 }
end

-- The stream of a connection towards the end that gave it the number.
local function stream_of(d, conn)
	local s = d.conns[conn]

	if not s then
		s = new_stream(n_streams)
		s.next_message = nil
		n_streams = n_streams + 1
		d.conns[conn] = s
	end
	return s
end

-- An OPEN: the stream towards the opener has its number, the other one gets its own with the ACCEPT.
local function open_streams(d, conn, serial)
	local back = d.reverse and d.reverse.conns[conn]

	if back and back.serial == serial then
		return back.other
	end
	local s = new_stream(n_streams)

	n_streams = n_streams + 1
	if d.reverse then
		d.reverse.conns[conn] = new_stream(s.stream)
		d.reverse.conns[conn].other = s
		d.reverse.conns[conn].serial = serial
	end
	return s
end

local function accept_streams(d, conn, mine)
	local s = stream_of(d, conn)

	s.next_message = s.next_message or 0
	if d.reverse then
		d.reverse.conns[mine] = s.other or d.reverse.conns[mine]
	end
	return s
end

-- Messages that begin in the bytes [offset, offset + #bytes), as long as the capture has the stream from its begin on.
local function find_messages(s, offset, bytes)
	local found = {}

	if not s.next_message then
		return found
	end
	local from = s.next_message + #(s.partial or "")

	while from >= offset and from < offset + bytes:len() do
		local want = PREFIX - #(s.partial or "")
		local have = math.min(want, offset + bytes:len() - from)

		s.partial = (s.partial or "") .. bytes:raw(from - offset, have)
		if #s.partial == PREFIX then
			local len = Struct.unpack(">I4", s.partial)

			found[#found + 1] = { offset = s.next_message, len = len }
			s.next_message = s.next_message + PREFIX + len
			s.partial = nil
		end
		from = s.next_message + #(s.partial or "")
	end
	return found
end

local function learn_frame(d, tvb, fr, pinfo)
	local known = {}
	local s

	if fr.type == ACK then
		local largest = tostring(tvb(fr.at + 8, 8):uint64())
		local sent = d.reverse and d.reverse.sent[largest]

		if sent then
			known.rtt = math.max(0, math.floor((pinfo.abs_ts - sent) * 1e6 + 0.5) - tvb(fr.at + 4, 4):uint())
		end
		return known
	end
	if not fr.conn then
		return known
	end
	if fr.type == OPEN then
		s = open_streams(d, fr.conn, tostring(tvb(fr.at + 8, 8):uint64()))
	elseif fr.type == ACCEPT then
		s = accept_streams(d, fr.conn, tvb(fr.at + 8, 4):uint())
	else
		s = stream_of(d, fr.conn)
	end
	known.stream = s.stream
	if (fr.type == DATA or fr.type == OPEN) and fr.len > 0 and fr.offset < EXACT then
		known.again = fr.offset < s.highest
		s.highest = math.max(s.highest, fr.offset + fr.len)
		known.messages = find_messages(s, fr.offset, tvb:bytes(fr.payload_at, fr.len))
	end
	return known
end

-- Once per packet, in the order of the capture.
local function learn(tvb, p, pinfo)
	local known = { frames = {} }
	local d

	if p.type == INIT then
		d = direction(p.id)
	elseif p.type == ANSWER then
		join(p.path, p.id)
		d = directions[p.path]
	elseif p.type == RESET then
		d = directions[p.no_path and p.id or p.path]
	else
		d = direction(p.path)
	end
	known.path = d and d.index
	if p.type ~= FRAMES then
		return known
	end
	d.sent[p.number] = d.sent[p.number] or pinfo.abs_ts
	for i, fr in ipairs(p.frames) do
		known.frames[i] = learn_frame(d, tvb, fr, pinfo)
	end
	return known
end

-- --- what is shown ---

local function show_reserved(tree, tvb, at, len)
	if not is_zero(tvb(at, len)) then
		tree:add(f.reserved, tvb(at, len)):add_proto_expert_info(e.reserved)
	end
end

local function show_header(tree, tvb)
	local version, type = tvb(0, 1):uint(), tvb(1, 1):uint()
	local t = tree:add(f.version, tvb(0, 1))

	if version ~= VERSION then
		t:add_proto_expert_info(e.version)
	end
	t = tree:add(f.type, tvb(1, 1))
	if not types[type] then
		t:add_proto_expert_info(e.type)
	end
	tree:add(f.engine, tvb(2, 1))
	show_reserved(tree, tvb, 3, 1)
	if type == FRAMES then
		tree:add(f.behind, tvb(4, 4))
	end
	tree:add(f.path, tvb(8, 8))
	if type == FRAMES then
		tree:add(f.number, tvb(16, 8))
	end
	if not is_zero(tvb(24, TAG)) then
		tree:add(f.tag, tvb(24, TAG)):add_proto_expert_info(e.reserved)
	end
end

local function show_init(tree, tvb, p)
	local at, answer = HDR, p.type == ANSWER
	local layout = { { f.id, 8 }, { f.instance, 8 }, { f.cookie, 8 }, { f.ts, 4 }, { f.mss, 2 }, { f.window, 2 },
		{ f.port, 2 }, { f.port_first, 2 }, { f.port_count, 2 }, { f.wanted, 1 } }

	for _, field in ipairs(layout) do
		tree:add(field[1], tvb(at, field[2]))
		at = at + field[2]
	end
	show_reserved(tree, tvb, at, 9)
	local first, count = tvb(HDR + 34, 2):uint(), tvb(HDR + 36, 2):uint()

	if is_zero(tvb(HDR, 8)) or is_zero(tvb(HDR + 8, 8)) or is_zero(tvb(HDR + 28, 2)) or is_zero(tvb(HDR + 30, 2)) or
	   first == 0 or count == 0 or first + count > 65536 then
		tree:add_proto_expert_info(e.malformed, "Id, instance, mss, window and ports must not be 0")
	end
	if answer and not (is_zero(tvb(HDR + 16, 8)) and is_zero(tvb(HDR + 32, 2)) and is_zero(tvb(HDR + 38, 1))) then
		tree:add_proto_expert_info(e.malformed, "ANSWER has no cookie, port, or engine that is wanted")
	end
	if answer == p.no_path then
		tree:add_proto_expert_info(e.malformed, "INIT names no path in its header, ANSWER does")
	end
end

local function show_reset(tree, tvb, p)
	local no_id = is_zero(tvb(HDR, 8))

	tree:add(f.id, tvb(HDR, 8))
	local t = tree:add(f.code, tvb(HDR + 8, 4))

	t:add_proto_expert_info(e.reset)
	tree:add(f.to, tvb(HDR + 12, 1))
	show_reserved(tree, tvb, HDR + 13, 3)
	if p.code ~= UNKNOWN and p.code ~= BUSY and p.code ~= CLOSED and p.code ~= ABORTED then
		t:add_proto_expert_info(e.malformed, "A RESET cannot have this code")
	elseif (p.code == UNKNOWN) ~= p.no_path or (p.code == UNKNOWN) == no_id then
		tree:add_proto_expert_info(e.malformed, "UNKNOWN has an id in its body, other codes one in the header")
	end
end

local function show_retry(tree, tvb, p)
	tree:add(f.cookie, tvb(HDR, 8))
	if p.no_path or is_zero(tvb(HDR, 8)) then
		tree:add_proto_expert_info(e.malformed, "RETRY must have a cookie and a path")
	end
end

local function show_ack(t, tvb, fr, ranges, sound)
	t:add(f.largest, tvb(fr.at + 8, 8))
	t:add(f.run, tvb(fr.at + 16, 4))
	t:add(f.window, tvb(fr.at + 2, 2))
	t:add(f.delay, tvb(fr.at + 4, 4))
	t:add(f.wait, tvb(fr.at + 20, 2))
	for _, r in ipairs(ranges) do
		local one = t:add(f.range, tvb(r.at, r.len))

		one:append_text(": " .. tostring(r.first) .. "-" .. tostring(r.last))
		one:add(f.first, tvb(r.at, r.len), r.first)
		one:add(f.last, tvb(r.at, r.len), r.last)
	end
	if not sound or fr.ranges >= RANGES_MAX or is_zero(tvb(fr.at + 2, 2)) then
		t:add_proto_expert_info(e.malformed, "Ranges that cannot be, too many, or no window")
	end
end

local function show_room(t, tvb, fr)
	if not fr.room then
		return
	end
	t:add(f.accepted, tvb(fr.room, 8))
	t:add(f.drops, tvb(fr.room + 8, 1))
	t = t:add(f.credit, tvb(fr.room + 9, 3))
	if is_zero(tvb(fr.room + 9, 3)) then
		t:add_proto_expert_info(e.no_credit)
	end
end

local function show_flags(t, tvb, fr)
	local allowed = frame_flags[fr.type]

	if not allowed then
		return
	end
	local flags = t:add(f.flags, tvb(fr.at + 1, 1))

	flags:add(f.fin, tvb(fr.at + 1, 1))
	if fr.type == DATA then
		flags:add(f.has_room, tvb(fr.at + 1, 1))
	end
	if fr.flags > allowed then
		flags:add_proto_expert_info(e.reserved)
	end
	if fr.type == DATA and fr.len == 0 and fr.flags == 0 then
		t:add_proto_expert_info(e.malformed, "A DATA frame without anything")
	end
end

local function show_open(t, tvb, fr)
	t:add(f.serial, tvb(fr.at + 8, 8))
	t:add(f.client_port, tvb(fr.at + 16, 4))
	t:add(f.port, tvb(fr.at + 20, 2))
	t:add(f.credit, tvb(fr.at + 24, 4))
	if is_zero(tvb(fr.at + 8, 8)) or is_zero(tvb(fr.at + 20, 2)) or tvb(fr.at + 24, 4):uint() >= 2 ^ 24 then
		t:add_proto_expert_info(e.malformed, "Serial and port must not be 0, the credit has 24 bits")
	end
end

local function show_end(t, tvb, fr)
	local code, engine = tvb(fr.at + 2, 2):uint(), tvb(fr.at + 1, 1):uint()

	if fr.type == REFUSE then
		t:add(f.frame_engine, tvb(fr.at + 1, 1))
		if engine ~= 0 and code ~= ELSEWHERE then
			t:add_proto_expert_info(e.reserved)
		end
	end
	t:add(f.code, tvb(fr.at + 2, 2))
	if not frame_codes[fr.type][code] then
		t:add_proto_expert_info(e.malformed, "A " .. frame_types[fr.type] .. " cannot have this code")
	end
	if fr.type ~= STOP then
		t:add_proto_expert_info(e.aborted)
	end
end

local function show_later(t, tvb, fr)
	local at = fr.at

	if fr.type == MOVE then
		t:add(f.step, tvb(at + 1, 1))
		t:add(f.mine, tvb(at + 8, 4))
		t:add(f.value, tvb(at + 12, 8))
		if not move_steps[tvb(at + 1, 1):uint()] then
			t:add_proto_expert_info(e.malformed, "A MOVE without a step")
		elseif is_zero(tvb(at + 12, 8)) then
			t:add_proto_expert_info(e.malformed, "A path without an id")
		end
		return
	end
	if fr.type == CHALLENGE or fr.type == RESPONSE then
		t:add(f.value, tvb(at + 8, 8))
		return
	end
	t:add(f.token, tvb(at + 4, 4))
	if fr.type == ARRIVAL then
		t:add(f.frame_engine, tvb(at + 1, 1))
	end
	if fr.type ~= CANDIDATE then
		t:add(f.src_port, tvb(at + 8, 2))
		t:add(f.dst_port, tvb(at + 10, 2))
		if is_zero(tvb(at + 8, 2)) or is_zero(tvb(at + 10, 2)) then
			t:add_proto_expert_info(e.malformed, "Ports must not be 0")
		end
	end
end

local function show_payload(t, tvb, fr, known)
	if fr.len == 0 then
		return
	end
	t:add(f.payload, tvb(fr.payload_at, fr.len))
	if known.again then
		local again = t:add(f.again, tvb(fr.at, fr.size), true)

		again:set_generated()
		again:add_proto_expert_info(e.again)
	end
	for _, m in ipairs(known.messages or {}) do
		t:add(f.msg_offset, tvb(fr.payload_at, fr.len), to64(m.offset)):set_generated()
		t:add(f.msg_len, tvb(fr.payload_at, fr.len), m.len):set_generated()
	end
end

-- The frame in a few words, the number of the connection in the capture in front of what is of it.
local function frame_summary(tvb, fr, known, ranges)
	local s = frame_types[fr.type]

	if fr.type == ACK then
		for i, r in ipairs(ranges) do
			s = s .. (i == 1 and " " or ",") .. tostring(r.first) .. "-" .. tostring(r.last)
		end
		return s
	end
	if known.stream then
		s = s .. " " .. known.stream .. ":"
	end
	if fr.type == DATA then
		s = s .. tostring(tvb(fr.at + 8, 8):uint64()) .. "+" .. fr.len
	elseif fr.type == OPEN then
		s = s .. "port=" .. tvb(fr.at + 20, 2):uint() .. "+" .. fr.len
	elseif fr.type == REFUSE or fr.type == ABORT then
		s = s .. (codes[tvb(fr.at + 2, 2):uint()] or "?")
	end
	if has(fr.flags, FIN) then
		s = s .. ".FIN"
	end
	if fr.room then
		s = s .. " acc=" .. tostring(tvb(fr.room, 8):uint64()) .. " cr=" .. tvb(fr.room + 9, 3):uint()
	end
	return s
end

local function show_frame(tree, tvb, fr, known)
	local t = tree:add(f.frame, tvb(fr.at, fr.size))
	local reserved = frame_reserved[fr.type] or {}
	local ranges, sound

	t:add(f.frame_type, tvb(fr.at, 1))
	if fr.type == PAD and not is_zero(tvb(fr.at, fr.size)) then
		t:add_proto_expert_info(e.malformed, "Something follows the padding")
	end
	for i = 1, #reserved, 2 do
		show_reserved(t, tvb, fr.at + reserved[i], reserved[i + 1])
	end
	show_flags(t, tvb, fr)
	if fr.conn then
		t:add(f.conn, tvb(fr.at + 4, 4))
	end
	if known.stream then
		t:add(f.stream, tvb(fr.at, fr.size), known.stream):set_generated()
	end
	if fr.type == ACK then
		ranges, sound = ack_ranges(tvb, fr)
		show_ack(t, tvb, fr, ranges, sound)
		if known.rtt then
			t:add(f.rtt, tvb(fr.at, fr.size), known.rtt):set_generated()
		end
	elseif fr.type == DATA then
		t:add(f.offset, tvb(fr.at + 8, 8))
		t:add(f.len, tvb(fr.at + 2, 2))
	elseif fr.type == OPEN then
		show_open(t, tvb, fr)
		t:add(f.len, tvb(fr.at + 2, 2))
	elseif fr.type == ACCEPT then
		t:add(f.mine, tvb(fr.at + 8, 4))
	elseif frame_codes[fr.type] then
		show_end(t, tvb, fr)
	elseif fr.type >= MOVE then
		show_later(t, tvb, fr)
	end
	show_room(t, tvb, fr)
	show_payload(t, tvb, fr, known)
	local s = frame_summary(tvb, fr, known, ranges)

	t:append_text(": " .. s)
	return s
end

local function show_frames(tree, tvb, p, known)
	local s = "N=" .. tostring(tvb(16, 8):uint64())

	if p.no_path or is_zero(tvb(16, 8)) or UInt64(tvb(4, 4):uint()) >= tvb(16, 8):uint64() or tvb:captured_len() == HDR then
		tree:add_proto_expert_info(e.malformed, "A number and a path must be there, and less numbers behind; and a frame")
	end
	for i, fr in ipairs(p.frames) do
		s = s .. " " .. show_frame(tree, tvb, fr, known.frames[i])
	end
	if p.wrong then
		tree:add_proto_expert_info(p.wrong, p.wrong_text or "A frame that is cut off")
		s = s .. " [frame not understood]"
	end
	return s
end

local function show_body(tree, tvb, p, known)
	if p.type == FRAMES then
		return show_frames(tree, tvb, p, known)
	end
	local s = types[p.type]

	if tvb:reported_len() > HDR + bodies[p.type] then
		tree:add_proto_expert_info(e.malformed, "Longer than its type")
	end
	if not is_zero(tvb(4, 4)) or not is_zero(tvb(16, 8)) then
		tree:add_proto_expert_info(e.malformed, "Only FRAMES has a number")
	end
	if p.type == RETRY then
		show_retry(tree, tvb, p)
		return s .. " Cookie=" .. tvb(HDR, 8):uint64():tohex()
	end
	if p.type == RESET then
		show_reset(tree, tvb, p)
		return s .. "." .. (codes[p.code] or p.code)
	end
	show_init(tree, tvb, p)
	return s .. " Mss=" .. tvb(HDR + 28, 2):uint() .. " Window=" .. tvb(HDR + 30, 2):uint() .. " Engine=" .. tvb(2, 1):uint()
end

-- --- packets ---

local function read(tvb)
	local p = {
		type = tvb(1, 1):uint(),
		path = tostring(tvb(8, 8):uint64()),
		no_path = is_zero(tvb(8, 8)),
		number = tostring(tvb(16, 8):uint64()),
		frames = {},
	}
	local at = HDR

	if p.type ~= FRAMES then
		p.id = p.type ~= RETRY and tostring(tvb(HDR, 8):uint64()) or nil
		p.code = p.type == RESET and tvb(HDR + 8, 4):uint() or nil
		return p
	end
	while at < tvb:captured_len() do
		local fr

		fr, p.wrong, p.wrong_text = read_frame(tvb, at)
		if not fr then
			break
		end
		p.frames[#p.frames + 1] = fr
		at = at + fr.size
	end
	return p
end

function machnet.dissector(tvb, pinfo, root)
	local len = tvb:captured_len()
	local tree = root:add(machnet, tvb())

	pinfo.cols.protocol = "Machnet"
	if len < HDR then
		tree:add_proto_expert_info(e.short)
		pinfo.cols.info = "Machnet, too short"
		return len
	end
	local type = tvb(1, 1):uint()

	show_header(tree, tvb)
	if tvb(0, 1):uint() ~= VERSION or not types[type] then
		pinfo.cols.info = "Machnet, not understood"
		return len
	end
	if type ~= FRAMES and len < HDR + bodies[type] then
		tree:add_proto_expert_info(e.short)
		pinfo.cols.info = "Machnet, too short"
		return len
	end
	local p = read(tvb)

	if not pinfo.visited or not packets[pinfo.number] then
		packets[pinfo.number] = learn(tvb, p, pinfo)
	end
	local known = packets[pinfo.number]

	if known.path then
		tree:add(f.path_index, tvb(), known.path):set_generated()
	end
	local summary = show_body(tree, tvb, p, known)

	pinfo.cols.info = summary
	tree:append_text(", " .. summary)
	return len
end

-- A packet that a receiver would not drop for its looks.
local function looks_right(tvb)
	local len = tvb:captured_len()

	if len <= HDR or tvb(0, 1):uint() ~= VERSION or tvb(3, 1):uint() ~= 0 or not is_zero(tvb(24, TAG)) then
		return false
	end
	local type = tvb(1, 1):uint()

	if not types[type] then
		return false
	end
	if type ~= FRAMES then
		return tvb:reported_len() == HDR + bodies[type] and is_zero(tvb(4, 4)) and is_zero(tvb(16, 8))
	end
	return not is_zero(tvb(8, 8)) and not is_zero(tvb(16, 8)) and read_frame(tvb, HDR) ~= nil
end

local function heuristic(tvb, pinfo, root)
	if not looks_right(tvb) then
		return false
	end
	machnet.dissector(tvb, pinfo, root)
	return true
end

machnet:register_heuristic("udp", heuristic)

local udp_ports = DissectorTable.get("udp.port")
local taken = ""

function machnet.prefs_changed()
	if taken ~= "" then
		udp_ports:remove(taken, machnet)
	end
	taken = machnet.prefs.ports
	if taken ~= "" then
		udp_ports:add(taken, machnet)
	end
end

taken = machnet.prefs.ports
if taken ~= "" then
	udp_ports:add(taken, machnet)
end
