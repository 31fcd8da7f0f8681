using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>Sixteen lanes.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>, Vector512<uint>>
{
    public static string Name => "vector512";

    public static int Width => 16;

    public static bool ManyRegisters => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector512<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> left, Vector512<float> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> left, Vector512<float> right) => left / right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SquareRoot(Vector512<float> value) => Vector512.Sqrt(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) => Vector512.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Greater(Vector512<float> left, Vector512<float> right) => Vector512.GreaterThan(left, right).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Select(Vector512<uint> mask, Vector512<float> whenTrue, Vector512<float> whenFalse) => Vector512.ConditionalSelect(mask.AsSingle(), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SelectWords(Vector512<uint> mask, Vector512<uint> whenTrue, Vector512<uint> whenFalse) => Vector512.ConditionalSelect(mask, whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> LoadWords(uint* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreWords(uint* destination, Vector512<uint> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> BroadcastWord(uint value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AsWords(Vector512<float> value) => value.AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AsFloats(Vector512<uint> value) => value.AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> AddWords(Vector512<uint> left, Vector512<uint> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> SubtractWords(Vector512<uint> left, Vector512<uint> right) => left - right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> And(Vector512<uint> left, Vector512<uint> right) => left & right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Or(Vector512<uint> left, Vector512<uint> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Xor(Vector512<uint> left, Vector512<uint> right) => left ^ right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftLeft(Vector512<uint> value, int count) => value << count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRight(Vector512<uint> value, int count) => value >>> count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ShiftRightSigned(Vector512<uint> value, int count) => (value.AsInt32() >> count).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> EqualWords(Vector512<uint> left, Vector512<uint> right) => Vector512.Equals(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> LessWords(Vector512<uint> left, Vector512<uint> right) => Vector512.LessThan(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloats(Vector512<uint> value) => Vector512.ConvertToSingle(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Any(Vector512<uint> value) => value != Vector512<uint>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> MultiplyWide(Vector512<uint> left, uint right, out Vector512<uint> low)
    {
        Vector512<uint> factor = Vector512.Create(right);
        low = left * factor;
        if (Avx512F.IsSupported)
        {
            // The instruction multiplies even lanes; odd lanes are shifted into their place and the high halves woven together.
            Vector512<ulong> even = Avx512F.Multiply(left, factor);
            Vector512<ulong> odd = Avx512F.Multiply((left.AsUInt64() >>> 32).AsUInt32(), factor);
            Vector512<uint> highs = Vector512.Create(0xFFFFFFFF00000000UL).AsUInt32();
            return Vector512.ConditionalSelect(highs, odd.AsUInt32(), (even >>> 32).AsUInt32());
        }

        // Schoolbook multiplication in 16-bit digits.
        Vector512<uint> digit = Vector512.Create(0xFFFFu);
        Vector512<uint> leftLow = left & digit, leftHigh = left >>> 16;
        Vector512<uint> rightLow = factor & digit, rightHigh = factor >>> 16;
        Vector512<uint> middle = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
        Vector512<uint> carry = leftLow * rightHigh + (middle & digit);
        return leftHigh * rightHigh + (middle >>> 16) + (carry >>> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Larger(Vector512<uint> left, Vector512<uint> right) => Vector512.Max(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Largest(Vector512<uint> value) => Lanes256.Largest(Vector256.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HighestBits(Vector512<uint> value) => (uint)value.ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(byte* destination, Vector512<uint> value) =>
        Vector256.Narrow(value.GetLower(), value.GetUpper()).AsByte().Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> LoadHalves(byte* source)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512UInt32(Vector256.Load(source).AsUInt16());
        }

        return Vector512.Create(Lanes256.LoadHalves(source), Lanes256.LoadHalves(source + 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Vector512<uint> value)
    {
        Vector256<ushort> halves = Vector256.Narrow(value.GetLower(), value.GetUpper());
        Vector128.Narrow(halves.GetLower(), halves.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> LoadSignedBytes(byte* source)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(Vector128.Load(source).AsSByte()).AsUInt32();
        }

        return Vector512.Create(Lanes256.LoadSignedBytes(source), Lanes256.LoadSignedBytes(source + 8));
    }
}
