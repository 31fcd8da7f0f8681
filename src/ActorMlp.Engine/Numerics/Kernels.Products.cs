using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>The matrix products of training as walks over register tiles.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord> : KernelSet
    where TLanes : struct, ILanes<TFloat, TWord>
    where TFloat : unmanaged
    where TWord : unmanaged
{
    // Terms of a chain that are taken at a time, at most: 16 lanes × 2 blocks × 288 are 36 KB, within the first-level cache.
    private const int MaxDepth = 288;

    // Inputs whose weights every block of rows meets before the next: 96 inputs × 256 units are 96 KB, within the second-level cache.
    private const int BackwardInputs = 96;

    // Panels of weights that every block of rows meets before the next: 288 inputs × 16 × 33 are 600 KB, within most second-level caches.
    private const int ForwardPanels = 33;
    private const int HalfTile = 4;
    private const int TileFloats = 2 * 8 * Lane;

    /// <inheritdoc/>
    public override string Name => TLanes.Name;

    /// <inheritdoc/>
    public override int BlocksPerTile => TLanes.Width == Lane ? 2 : 1;

    private static int FullTile => TLanes.ManyRegisters ? 8 : 6;

    /// <inheritdoc/>
    public override void Forward(
        FloatRegion weights, FloatRegion bias, int inputs, int units, FloatRegion x, int xStride, FloatRegion z, int zStride, int blocks)
    {
        int panels = (units + Lane - 1) / Lane;
        int maxDepth = Depth(inputs);
        for (int start = 0; start < inputs; start += maxDepth)
        {
            int depth = Math.Min(maxDepth, inputs - start);
            var shape = new TileShape
            {
                Length = depth,
                FirstSegment = depth,
                Jump = (nint)inputs * Lane - Lane,
            };
            float* a = weights.Pointer + (nint)start * Lane;
            float* b = x.Pointer + (nint)start * Lane;
            for (int panel = 0; panel < panels; panel += ForwardPanels)
            {
                int endPanel = Math.Min(panels, panel + ForwardPanels);
                for (int block = 0; block < blocks; block += BlocksPerTile)
                {
                    int width = Math.Min(BlocksPerTile, blocks - block);
                    float* blockB = b + (nint)block * xStride, blockC = z.Pointer + (nint)block * zStride;
                    if (start == 0)
                    {
                        ForwardTiles<FromBias>(ref shape, a, (nint)inputs * Lane, panel, endPanel, bias.Pointer, blockB, xStride, blockC, zStride, width);
                    }
                    else
                    {
                        ForwardTiles<FromStored>(ref shape, a, (nint)inputs * Lane, panel, endPanel, bias.Pointer, blockB, xStride, blockC, zStride, width);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Backward(
        FloatRegion weights, int inputs, int units, FloatRegion dz, int dzStride, FloatRegion dx, int dxStride, int blocks)
    {
        // A tile that reaches back must not take a chain up twice.
        int maxDepth = Depth(units);
        bool mayOverlap = units <= maxDepth;
        for (int start = 0; start < units; start += maxDepth)
        {
            var shape = new TileShape
            {
                Length = Math.Min(maxDepth, units - start),
                FirstSegment = Lane,
                Hop = (nint)inputs * Lane - Lane,
                Ahead = FullTile * Lane,
            };
            float* a = weights.Pointer + (nint)start * inputs;
            for (int input = 0; input < inputs; input += BackwardInputs)
            {
                int endInput = Math.Min(inputs, input + BackwardInputs);
                for (int block = 0; block < blocks; block += BlocksPerTile)
                {
                    int width = Math.Min(BlocksPerTile, blocks - block);
                    float* b = dz.Pointer + (nint)block * dzStride + (nint)start * Lane;
                    float* c = dx.Pointer + (nint)block * dxStride;
                    int done = input;
                    while (NextTile(ref done, endInput, input, mayOverlap, out int first, out int height))
                    {
                        float* tileA = a + (nint)first * Lane, tileC = c + (nint)first * Lane;
                        if (start == 0)
                        {
                            Tile<AlongPanel, FromZero>(ref shape, height, width, tileA, b, dzStride, tileC, dxStride, null);
                        }
                        else
                        {
                            Tile<AlongPanel, FromStored>(ref shape, height, width, tileA, b, dzStride, tileC, dxStride, null);
                        }
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void WeightGradient(
        FloatRegion x, int xStride, FloatRegion dz, int dzStride, FloatRegion result, int resultStride, int inputs, int panels,
        ReadOnlySpan<int> shardEnds, bool resume)
    {
        int shards = shardEnds.Length - 1;
        float* stack = stackalloc float[(int.Log2(shards) + 1) * TileFloats + Lane];
        stack = (float*)(((nint)stack + 63) & ~(nint)63);
        float* panel = dz.Pointer;
        var shape = new TileShape { Hop = xStride - Lane, Ahead = FullTile * Lane };
        int done = 0;

        // A tile that reaches back must not take a chain up twice.
        while (NextTile(ref done, inputs, 0, !resume, out int first, out int height))
        {
            float* a = x.Pointer + (nint)first * Lane;
            float* c = result.Pointer + (nint)first * Lane;
            if (resume)
            {
                ShardTile<FromStored>(ref shape, height, panels, a, xStride, panel, dzStride, c, resultStride, shardEnds[0], shardEnds[1]);
                continue;
            }

            if (shards == 1)
            {
                ShardTile<FromZero>(ref shape, height, panels, a, xStride, panel, dzStride, c, resultStride, shardEnds[0], shardEnds[1]);
                continue;
            }

            // The binary counter: after an odd shard, as many pairs are whole as the shard's number ends in ones.
            int depth = 0;
            for (int shard = 0; shard < shards; shard++)
            {
                shape.AddToStored = (shard & 1) == 1;
                depth += shape.AddToStored ? 0 : 1;
                float* top = stack + (depth - 1) * TileFloats;
                ShardTile<FromZero>(
                    ref shape, height, panels, a, xStride, panel, dzStride, top, TileFloats / 2, shardEnds[shard], shardEnds[shard + 1]);
                for (int pair = shard >> 1; shape.AddToStored && (pair & 1) == 1; pair >>= 1)
                {
                    depth--;
                    float* left = stack + (depth - 1) * TileFloats;
                    Sum(left, left + TileFloats, left, TileFloats / 2 * (panels - 1) + height * Lane);
                }
            }

            for (int column = 0; column < panels; column++)
            {
                float* from = stack + column * (TileFloats / 2);
                Buffer.MemoryCopy(from, c + column * (nint)resultStride, height * Lane * sizeof(float), height * Lane * sizeof(float));
            }
        }
    }

    /// <inheritdoc/>
    public override void BiasGradient(FloatRegion dzPanel, FloatRegion gradient, ReadOnlySpan<int> shardEnds)
    {
        int shards = shardEnds.Length - 1;
        float* stack = stackalloc float[(int.Log2(shards) + 2) * Lane];
        int depth = 0;
        for (int shard = 0; shard < shards; shard++)
        {
            float* top = stack + depth++ * Lane;
            for (int v = 0; v < Lane; v += TLanes.Width)
            {
                TFloat sum = TLanes.Broadcast(0f);
                for (int row = shardEnds[shard]; row < shardEnds[shard + 1]; row++)
                {
                    sum = TLanes.Add(sum, TLanes.Load(dzPanel.Pointer + (nint)row * Lane + v));
                }

                TLanes.Store(top + v, sum);
            }

            for (int pair = shard; (pair & 1) == 1; pair >>= 1)
            {
                depth--;
                float* left = stack + (depth - 1) * Lane;
                Sum(left, left + Lane, left, Lane);
            }
        }

        Buffer.MemoryCopy(stack, gradient.Pointer, Lane * sizeof(float), Lane * sizeof(float));
    }

    /// <inheritdoc/>
    public override void Add(FloatRegion left, FloatRegion right, FloatRegion result, int count) =>
        Sum(left.Pointer, right.Pointer, result.Pointer, count);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(float* left, float* right, float* result, int count)
    {
        for (int i = 0; i < count; i += TLanes.Width)
        {
            TLanes.Store(result + i, TLanes.Add(TLanes.Load(left + i), TLanes.Load(right + i)));
        }
    }

    /// <summary>The forward product of one or two blocks of rows with panels [first, end) of the weights.</summary>
    private static void ForwardTiles<TStart>(
        ref TileShape shape, float* a, nint panelStride, int firstPanel, int endPanel, float* bias, float* b, int xStride, float* c, int zStride, int width)
        where TStart : struct, IStart
    {
        int panel = firstPanel;
        for (; !TLanes.ManyRegisters && panel + 3 <= endPanel; panel += 3)
        {
            // Three panels are eight whole tiles of six units.
            float* first = a + panel * panelStride;
            for (int unit = 0; unit < 3 * Lane; unit += FullTile)
            {
                float* tileA = first + unit / Lane * panelStride + unit % Lane, tileC = c + (nint)(panel * Lane + unit) * Lane;
                float* tileBias = bias + panel * Lane + unit;
                switch (unit % Lane)
                {
                    case 12:
                        Tile<AcrossPanelsFourTwo, TStart>(ref shape, FullTile, width, tileA, b, xStride, tileC, zStride, tileBias);
                        break;
                    case 14:
                        Tile<AcrossPanelsTwoFour, TStart>(ref shape, FullTile, width, tileA, b, xStride, tileC, zStride, tileBias);
                        break;
                    default:
                        Tile<AcrossPanel, TStart>(ref shape, FullTile, width, tileA, b, xStride, tileC, zStride, tileBias);
                        break;
                }
            }
        }

        for (; panel < endPanel; panel++)
        {
            // 16 units are whole tiles: 8 + 8, or 6 + 5 + 5.
            for (int first = 0, height = FullTile; first < Lane; first += height, height = TLanes.ManyRegisters ? height : 5)
            {
                int unit = panel * Lane + first;
                Tile<AcrossPanel, TStart>(ref shape, height, width, a + panel * panelStride + first, b, xStride, c + (nint)unit * Lane, zStride, bias + unit);
            }
        }
    }

    /// <summary>Cuts chains into as few pieces as the cache allows, about equally long: a short last one would cost as much as a long one to begin and end.</summary>
    private static int Depth(int terms)
    {
        int pieces = (terms + MaxDepth - 1) / MaxDepth;
        return Math.Max(Lane, ((terms + pieces - 1) / pieces + Lane - 1) / Lane * Lane);
    }

    /// <summary>One shard's contribution to a tile of the weight gradient: rows [first, end), which may begin and end within a block.</summary>
    private static void ShardTile<TStart>(
        ref TileShape shape, int height, int panels, float* a, int xStride, float* dz, int dzStride, float* c, nint secondC, int first, int end)
        where TStart : struct, IStart
    {
        shape.Length = end - first;
        shape.FirstSegment = Lane - first % Lane;
        a += (nint)(first / Lane) * xStride + first % Lane;
        Tile<AlongPanel, TStart>(ref shape, height, panels, a, dz + (nint)first * Lane, dzStride, c, secondC, null);
    }

    /// <summary>A tile <paramref name="height"/> rows high and <paramref name="blocks"/> blocks wide.</summary>
    private static void Tile<TStride, TStart>(
        ref TileShape shape, int height, int blocks, float* a, float* b, nint blockB, float* c, nint blockC, float* bias)
        where TStride : struct, IStride
        where TStart : struct, IStart
    {
        if (TLanes.Width == Lane)
        {
            shape.SecondB = blockB;
            shape.SecondC = blockC;
            if (blocks == 2)
            {
                Tile<TStride, TStart, TwoColumns>(shape, height, a, b, c, bias);
            }
            else
            {
                Tile<TStride, TStart, OneColumn>(shape, height, a, b, c, bias);
            }

            return;
        }

        shape.SecondB = TLanes.Width;
        shape.SecondC = TLanes.Width;
        for (int lane = 0; lane < Lane; lane += 2 * TLanes.Width)
        {
            Tile<TStride, TStart, TwoColumns>(shape, height, a, b + lane, c + lane, bias);
        }
    }

    private static void Tile<TStride, TStart, TColumns>(in TileShape shape, int height, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TStart : struct, IStart
        where TColumns : struct, IColumns
    {
        switch (height)
        {
            case 8:
                Tile<TStride, TStart, EightRows, TColumns>(shape, a, b, c, bias);
                break;
            case 6:
                Tile<TStride, TStart, SixRows, TColumns>(shape, a, b, c, bias);
                break;
            case 5:
                Tile<TStride, TStart, FiveRows, TColumns>(shape, a, b, c, bias);
                break;
            case HalfTile:
                Tile<TStride, TStart, FourRows, TColumns>(shape, a, b, c, bias);
                break;
            default:
                Tile<TStride, TStart, OneRow, TColumns>(shape, a, b, c, bias);
                break;
        }
    }

    /// <summary>
    /// The next tile of rows [origin, end). What is left at the end is covered, where that is allowed, by a tile that reaches back over
    /// rows already computed, which come out the same: cheaper than many narrow tiles.
    /// </summary>
    private static bool NextTile(ref int done, int end, int origin, bool mayOverlap, out int first, out int height)
    {
        int left = end - done, rows = mayOverlap ? end - origin : left;
        if (left >= FullTile || (left > HalfTile && rows >= FullTile))
        {
            height = FullTile;
        }
        else
        {
            height = rows >= HalfTile ? HalfTile : 1;
        }

        first = Math.Min(done, end - height);
        done = first + height;
        return left > 0;
    }
}
