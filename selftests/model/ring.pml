/* SPDX-License-Identifier: MIT */
/*
 * ring.pml - the protocol of a channel's ring (user/channel/ring.h) and of sleeping
 * (include/machnet/shm.h), on a machine that delays stores
 *
 * One producer and one consumer, either of which sleeps when it cannot go on. What a side
 * stores becomes visible to the other one some time later: in order, or with PSO in any order
 * but for stores to the same word. A fence waits until all of it is visible. Messages take one
 * or two slots and are published whole; one that would go on at the ring's start comes behind a
 * filler, and begins there. Each slot carries a number that says whether it is read
 * as it was written.
 *
 * A lost wake-up is an end in which a side still waits for its doorbell. What a fault leaves out
 * is named at the place: the checker must find out each time, or it proves nothing.
 */
#define SLOTS	4
/* Indices run over so many values instead of 2^32. */
#define SPACE	8
/* Slots that are written in all: the indices begin anew twice. */
#define TOTAL	17

/* Words of the shared memory: slots first. */
#define PROD	4
#define CONS	5
#define P_SLEEPS	6
#define C_SLEEPS	7

#define SIZE	64	/* a message's first slot carries its number and SIZE * its length */
#define FILLER	3	/* in the place of a length; of one slot, messages have two at most */

byte mem[8];
chan p_stores = [6] of { byte, byte };
chan c_stores = [4] of { byte, byte };
bool p_bell, c_bell;

#ifdef NO_FENCE_TO_WAKE
#define FENCE_TO_WAKE(stores)	skip
#else
#define FENCE_TO_WAKE(stores)	empty(stores)
#endif
#ifdef NO_FENCE_TO_SLEEP
#define FENCE_TO_SLEEP(stores)	skip
#else
#define FENCE_TO_SLEEP(stores)	empty(stores)
#endif
#ifdef NO_RELEASE
#define RELEASE(stores)	skip
#else
#define RELEASE(stores)	empty(stores)
#endif
#ifdef NO_FILLER
#define FILL(size)	0
#else
#define FILL(size)	(self % SLOTS + size > SLOTS -> 1 : 0)
#endif
#define DISTANCE(to, from)	((SPACE + to - from) % SPACE)

/* mn_channel_flush(), mnc_wake_engine(). */
inline wake(stores, sleeps, bell)
{
	FENCE_TO_WAKE(stores);
	if
	:: mem[sleeps] ->
		atomic {
			if
			:: mem[sleeps] -> mem[sleeps] = 0; rings = true
			:: else
			fi
		};
		if
		:: rings -> bell = true; rings = false
		:: else
		fi
	:: else
	fi
}

/* mn_channel_arm(), mnc_arm(): then one more look, which index is. */
inline arm(stores, sleeps, index)
{
	stores!sleeps,1;
	FENCE_TO_SLEEP(stores);
#ifndef NO_SECOND_LOOK
	other = mem[index]
#endif
}

/* An engine says that it is awake, libmachnet does not. */
inline disarm(stores, sleeps)
{
	if
	:: stores!sleeps,0
	:: skip
	fi
}

active proctype producer()
{
	byte self, other, n, size, fill, i;
	bool rings;

	do
	:: n == TOTAL -> break
	:: n < TOTAL ->
		if
		:: size = 1
		:: n + 2 + FILL(2) <= TOTAL -> size = 2
		fi;
		fill = FILL(size);
		do
		:: SLOTS - DISTANCE(self, other) >= fill + size -> break
		:: else ->
			other = mem[CONS];
			if
			:: SLOTS - DISTANCE(self, other) >= fill + size -> break
			:: else
			fi;
			arm(p_stores, P_SLEEPS, CONS);
			if
			:: SLOTS - DISTANCE(self, other) >= fill + size
			:: else -> p_bell; p_bell = false
			fi;
			disarm(p_stores, P_SLEEPS)
		od;
#ifdef EARLY_PUBLISH
		p_stores!PROD,(self + fill + size) % SPACE;
#endif
		if
		:: fill ->
			p_stores!(self % SLOTS),(n + SIZE * FILLER);
			self = (self + 1) % SPACE;
			n++
		:: else
		fi;
		i = 0;
		do
		:: i == size -> break
		:: i < size ->
			p_stores!(self % SLOTS),(n + (i == 0 -> SIZE * size : 0));
			self = (self + 1) % SPACE;
			n++;
			i++
		od;
#ifndef EARLY_PUBLISH
		RELEASE(p_stores);
		p_stores!PROD,self;
#endif
		wake(p_stores, C_SLEEPS, c_bell)
	od
}

active proctype consumer()
{
	byte self, other, n, size, i, d;
	bool rings;

	do
	:: n == TOTAL -> break
	:: n < TOTAL && self == other ->
		other = mem[PROD];
		if
		:: self == other ->
			arm(c_stores, C_SLEEPS, PROD);
			if
			:: self != other
			:: else -> c_bell; c_bell = false
			fi;
			disarm(c_stores, C_SLEEPS)
		:: else
		fi
	:: n < TOTAL && self != other ->
#ifdef EARLY_RELEASE
		c_stores!CONS,other;
#endif
		size = mem[self % SLOTS] / SIZE;
		if
		:: size == FILLER ->
			assert(mem[self % SLOTS] % SIZE == n && self % SLOTS == SLOTS - 1);
			self = (self + 1) % SPACE;
			n++;
			/* It was published together with the message. */
			assert(self != other);
			size = mem[self % SLOTS] / SIZE
		:: else
		fi;
		assert(size && size <= DISTANCE(other, self) && self % SLOTS + size <= SLOTS);
		i = 0;
		do
		:: i == size -> break
		:: i < size ->
			d = mem[self % SLOTS];
			assert(d % SIZE == n);
			self = (self + 1) % SPACE;
			n++;
			i++
		od;
		/* Slots go back in batches, and all before it looks for more. */
		if
		:: self != other
		:: RELEASE(c_stores);
		   c_stores!CONS,self;
		   /* Not for each slot: whoever waits for one waits until there are many. */
		   if
		   :: DISTANCE(other, self) <= SLOTS / 2 -> wake(c_stores, P_SLEEPS, p_bell)
		   :: else
		   fi
		fi
	od
}

#define DRAIN(stores, word)	atomic { stores??word,v -> mem[word] = v; v = 0 }

active proctype p_drain()
{
	byte v, word;

end:	do
#ifdef PSO
	:: DRAIN(p_stores, 0)
	:: DRAIN(p_stores, 1)
	:: DRAIN(p_stores, 2)
	:: DRAIN(p_stores, 3)
	:: DRAIN(p_stores, PROD)
	:: DRAIN(p_stores, P_SLEEPS)
#else
	:: atomic { p_stores?word,v -> mem[word] = v; v = 0; word = 0 }
#endif
	od
}

active proctype c_drain()
{
	byte v, word;

end:	do
#ifdef PSO
	:: DRAIN(c_stores, CONS)
	:: DRAIN(c_stores, C_SLEEPS)
#else
	:: atomic { c_stores?word,v -> mem[word] = v; v = 0; word = 0 }
#endif
	od
}
