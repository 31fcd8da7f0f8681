using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>One lane: the scalar twin of every kernel.</summary>
internal readonly unsafe struct LanesScalar : ILanes<float, uint>
{
    public static string Name => "scalar";

    public static int Width => 1;

    public static bool ManyRegisters => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, float value) => *destination = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Broadcast(float value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float left, float right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Subtract(float left, float right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Multiply(float left, float right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Divide(float left, float right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SquareRoot(float value) => MathF.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float left, float right, float addend) => MathF.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Greater(float left, float right) => left > right ? uint.MaxValue : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Select(uint mask, float whenTrue, float whenFalse) => mask != 0 ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SelectWords(uint mask, uint whenTrue, uint whenFalse) => mask != 0 ? whenTrue : whenFalse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LoadWords(uint* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWords(uint* destination, uint value) => *destination = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint BroadcastWord(uint value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AsWords(float value) => BitConverter.SingleToUInt32Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AsFloats(uint value) => BitConverter.UInt32BitsToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AddWords(uint left, uint right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SubtractWords(uint left, uint right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint And(uint left, uint right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Or(uint left, uint right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Xor(uint left, uint right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ShiftLeft(uint value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ShiftRight(uint value, int count) => value >> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ShiftRightSigned(uint value, int count) => (uint)((int)value >> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualWords(uint left, uint right) => left == right ? uint.MaxValue : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LessWords(uint left, uint right) => left < right ? uint.MaxValue : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToFloats(uint value) => (int)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(uint value) => value != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint MultiplyWide(uint left, uint right, out uint low)
    {
        ulong product = (ulong)left * right;
        low = (uint)product;
        return (uint)(product >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Larger(uint left, uint right) => Math.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Largest(uint value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HighestBits(uint value) => value >> 31;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(byte* destination, uint value) => Unsafe.WriteUnaligned(destination, (ushort)value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LoadHalves(byte* source) => Unsafe.ReadUnaligned<ushort>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, uint value) => *destination = (byte)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LoadSignedBytes(byte* source) => (uint)(sbyte)*source;
}
