//go:build !js

package main

import "encoding/binary"

// film is a minute of a still, dark square without a sound: 64 × 64 pixels of H.264 (constrained baseline), one picture
// a second, and silent AAC at 16 kHz. A page over plain http plays it to keep the screen on, at the person's wish; some
// systems only do so for a film that has a sound track. Every byte is made here.
//
// Specifications: ISO/IEC 14496-10 (H.264), 14496-3 (AAC), 14496-12 and -14 (MP4).
func film() []byte {
	const (
		seconds = 60
		rate    = 16000 // Hz
		frame   = 1024  // AAC samples a frame
	)
	sound := seconds * rate / frame

	var video []byte
	var sizes []uint32
	for n := range seconds {
		unit := picture(n)
		video = append(binary.BigEndian.AppendUint32(video, uint32(len(unit))), unit...)
		sizes = append(sizes, uint32(4+len(unit)))
	}
	audio := make([]byte, 0, 4*sound)
	for range sound {
		audio = append(audio, 0, 0, 0, 7) // one channel without a band of sound, and the end of the frame
	}

	head := box("ftyp", []byte("isom"), u32(0x200), []byte("isomiso2avc1mp41"))
	moov := func(from uint32) []byte {
		return box("moov",
			full("mvhd", 0, u32(0, 0, 1000, seconds*1000, 0x10000), u16(0x100, 0), u32(0, 0), matrix(), u32(0, 0, 0, 0, 0, 0, 3)),
			track(1, seconds*1000, 64, "vide", 1000, seconds*1000, full("vmhd", 1, u16(0, 0, 0, 0)), avc1(), u32(seconds, 1000), uneven(sizes), from),
			track(2, seconds*1000, 0, "soun", rate, uint32(sound*frame), full("smhd", 0, u16(0, 0)), mp4a(rate), u32(uint32(sound), frame), u32(4, uint32(sound)), from+uint32(len(video))),
		)
	}
	body := uint32(len(head) + len(moov(0)) + 8)
	return join(head, moov(body), box("mdat", video, audio))
}

// picture is the access unit of one second: the first is whole, the others say that nothing has changed.
func picture(n int) []byte {
	var b bits
	b.ue(0) // the first macroblock
	if n > 0 {
		b.ue(5).ue(0).u(8, uint32(n)) // P, the picture parameter set, frame_num
		b.u(3, 0)                     // as many references as said, in their order, forgotten in their turn
		b.se(0).ue(1)                 // quantiser, no deblocking
		b.ue(16)                      // sixteen macroblocks are skipped
		return nal(0x41, b.end())
	}
	b.ue(7).ue(0).u(8, 0).ue(0).u(2, 0).se(0).ue(1) // I, and likewise
	for range 16 {
		b.ue(25).align() // I_PCM
		for i := range 256 + 64 + 64 {
			if i < 256 {
				b.u(8, 24)
			} else {
				b.u(8, 128)
			}
		}
	}
	return nal(0x65, b.end())
}

func avc1() []byte {
	var s, p bits
	s.u(8, 66).u(8, 0xC0).u(8, 10).ue(0).ue(4).ue(2).ue(1).u(1, 0).ue(3).ue(3).u(1, 1).u(1, 1).u(2, 0)
	p.ue(0).ue(0).u(2, 0).ue(0).ue(0).ue(0).u(3, 0).se(0).se(0).se(0).u(1, 1).u(2, 0)
	sps, pps := nal(0x67, s.end()), nal(0x68, p.end())
	config := join([]byte{1, 66, 0xC0, 10, 0xFF, 0xE1}, u16(uint16(len(sps))), sps, []byte{1}, u16(uint16(len(pps))), pps)
	return box("avc1", u16(0, 0, 0, 1), make([]byte, 16), u16(64, 64), u32(72<<16, 72<<16, 0), u16(1), make([]byte, 32), u16(24, 0xFFFF), box("avcC", config))
}

func mp4a(rate uint32) []byte {
	specific := []byte{5, 2, 0x14, 0x08} // AAC-LC, 16 kHz, one channel
	decoder := join([]byte{4, byte(13 + len(specific)), 0x40, 0x15, 0, 0, 0}, u32(1000, 1000), specific)
	descriptor := join([]byte{3, byte(3 + len(decoder) + 3), 0, 2, 0}, decoder, []byte{6, 1, 2})
	return box("mp4a", u16(0, 0, 0, 1), u32(0, 0), u16(1, 16), u32(0), u32(rate<<16), full("esds", 0, descriptor))
}

// track is one track of one chunk, with the times of its samples, their sizes and where the chunk begins.
func track(id, length, size uint32, kind string, scale, duration uint32, media, entry, times, sizes []byte, from uint32) []byte {
	volume := uint16(0)
	samples := times[:4]
	if kind == "soun" {
		volume = 0x100
	}
	return box("trak",
		full("tkhd", 3, u32(0, 0, id, 0, length, 0, 0), u16(0, 0, volume, 0), matrix(), u32(size<<16, size<<16)),
		box("mdia",
			full("mdhd", 0, u32(0, 0, scale, duration), u16(0x55C4, 0)),
			full("hdlr", 0, u32(0), []byte(kind), u32(0, 0, 0), []byte{0}),
			box("minf", media, box("dinf", full("dref", 0, u32(1), full("url ", 1))), box("stbl",
				full("stsd", 0, u32(1), entry),
				full("stts", 0, u32(1), times),
				full("stsc", 0, u32(1, 1), samples, u32(1)),
				full("stsz", 0, sizes),
				full("stco", 0, u32(1, from)),
				sync(kind),
			)),
		),
	)
}

// sync says that only the first picture stands for itself.
func sync(kind string) []byte {
	if kind == "soun" {
		return nil
	}
	return full("stss", 0, u32(1, 1))
}

func uneven(sizes []uint32) []byte { return join(u32(0, uint32(len(sizes))), u32(sizes...)) }

func matrix() []byte { return u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

func box(kind string, parts ...[]byte) []byte {
	body := join(parts...)
	return join(u32(uint32(8+len(body))), []byte(kind), body)
}

func full(kind string, flags uint32, parts ...[]byte) []byte {
	return box(kind, append([][]byte{u32(flags)}, parts...)...)
}

func join(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func u32(values ...uint32) (out []byte) {
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

func u16(values ...uint16) (out []byte) {
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

// nal is a network abstraction layer unit: the payload never shows two zeros before a byte below four.
func nal(kind byte, payload []byte) []byte {
	out, zeros := []byte{kind}, 0
	for _, c := range payload {
		if zeros == 2 && c < 4 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, c)
		if zeros++; c != 0 {
			zeros = 0
		}
	}
	return out
}

// bits writes H.264's fields, the highest bit first.
type bits struct {
	out  []byte
	used int // bits of the last byte
}

func (b *bits) u(n int, v uint32) *bits {
	for i := n - 1; i >= 0; i-- {
		if b.used%8 == 0 {
			b.out = append(b.out, 0)
		}
		b.out[len(b.out)-1] |= byte(v>>i&1) << (7 - b.used%8)
		b.used++
	}
	return b
}

// ue writes an unsigned Exp-Golomb number.
func (b *bits) ue(v uint32) *bits {
	n := 0
	for (v+1)>>(n+1) > 0 {
		n++
	}
	return b.u(n, 0).u(n+1, v+1)
}

// se writes a signed one; here it is always 0.
func (b *bits) se(v uint32) *bits { return b.ue(2 * v) }

func (b *bits) align() *bits {
	for b.used%8 != 0 {
		b.u(1, 0)
	}
	return b
}

// end writes the stop bit.
func (b *bits) end() []byte { return b.u(1, 1).align().out }
