using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ActorMlp.Engine.Numerics;

/// <summary>Moves 16×16 blocks between rows and lanes. No arithmetic, so one width serves all kernels.</summary>
internal static unsafe class Transposition
{
    private const int Lane = KernelSet.Lane;

    /// <summary>
    /// Writes <c>[16 rows][units]</c> at a distance of <paramref name="stride"/> floats between rows, units a multiple of 16, as
    /// <c>[units][16 rows]</c>.
    /// </summary>
    public static void RowsToLanes(FloatRegion source, int stride, FloatRegion destination, int units)
    {
        for (int unit = 0; unit < units; unit += Lane)
        {
            Block(source.Pointer + unit, stride, destination.Pointer + unit * Lane, Lane);
        }
    }

    /// <summary>Writes one block's <c>[units][16 rows]</c>, units a multiple of 16, as panels <c>[units/16][16 rows][16 units]</c>, panels far apart.</summary>
    public static void LanesToPanels(FloatRegion source, FloatRegion destination, int panelStride, int units)
    {
        for (int panel = 0; panel < units / Lane; panel++)
        {
            Block(source.Pointer + panel * Lane * Lane, Lane, destination.Pointer + (nint)panel * panelStride, Lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        for (int row = 0; row < Lane; row += 4)
        {
            for (int column = 0; column < Lane; column += 4)
            {
                Quad(source + row * sourceStride + column, sourceStride, destination + column * destinationStride + row, destinationStride);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + sourceStride);
        Vector128<float> c = Vector128.Load(source + 2 * sourceStride), d = Vector128.Load(source + 3 * sourceStride);
        Vector128<float> ac0 = Interleave(a, c, false), ac1 = Interleave(a, c, true);
        Vector128<float> bd0 = Interleave(b, d, false), bd1 = Interleave(b, d, true);
        Interleave(ac0, bd0, false).Store(destination);
        Interleave(ac0, bd0, true).Store(destination + destinationStride);
        Interleave(ac1, bd1, false).Store(destination + 2 * destinationStride);
        Interleave(ac1, bd1, true).Store(destination + 3 * destinationStride);
    }

    /// <summary>The low or high halves of both vectors, element by element in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Interleave(Vector128<float> left, Vector128<float> right, bool high)
    {
        if (System.Runtime.Intrinsics.X86.Sse.IsSupported)
        {
            return high
                ? System.Runtime.Intrinsics.X86.Sse.UnpackHigh(left, right)
                : System.Runtime.Intrinsics.X86.Sse.UnpackLow(left, right);
        }

        if (System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported)
        {
            return high
                ? System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipHigh(left, right)
                : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.ZipLow(left, right);
        }

        int from = high ? 2 : 0;
        return Vector128.Create(left[from], right[from], left[from + 1], right[from + 1]);
    }
}
