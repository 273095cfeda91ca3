! Rays through a medium whose cells shine as an emulator says: rays model.h5 [RAYS [CELLS]]
!
! The cells of a ray lie on a straight line through the parameter space, from one side of the box towards the other; each
! takes away and adds light in every bin, I <- I exp(-t) + S (1 - exp(-t)), with the emulator's prediction as the source
! S and the optical depth t of a cell. Rays are shared out among OpenMP threads; what comes out does not depend on
! their number. Prints the ray, the first, middle and last bin and the sum of what arrives, and how many cells were outside
! of the domain. rays.cpp in examples/cpp is the same in C++, with the same output to the last bit.
module rays_module
  use, intrinsic :: iso_fortran_env, only: real64
  use ersatz
  implicit none
contains

  !> What arrives from one ray. Everything that it needs is its own, but for the emulator.
  subroutine follow(emulator, lower, upper, ray, rays, cells, intensity, outside)
    type(ersatz_emulator), intent(in) :: emulator
    real(real64), intent(in) :: lower(:), upper(:)
    integer, intent(in) :: ray, rays, cells
    real(real64), intent(out) :: intensity(:)
    integer, intent(out) :: outside
    type(ersatz_workspace) :: workspace
    real(real64) :: x(size(lower)), source(size(intensity)), score, along, across, depth, passes
    integer :: cell, k
    intensity = 0
    outside = 0
    across = (ray - 0.5_real64)/rays
    do cell = 1, cells
      along = (cell - 0.5_real64)/cells
      do k = 1, size(x)
        if (mod(k, 2) == 1) then
          x(k) = lower(k) + along*(upper(k) - lower(k))
        else
          x(k) = lower(k) + across*(upper(k) - lower(k))
        end if
      end do
      call emulator%mean(x, source, workspace)
      call emulator%domain_score(x, score, workspace)
      if (.not. score <= 1) outside = outside + 1
      depth = 2.0_real64/cells
      passes = exp(-depth)
      intensity = intensity*passes + source*(1 - passes)
    end do
  end subroutine follow

end module rays_module

program rays
  use rays_module
  implicit none
  type(ersatz_emulator) :: emulator
  integer :: number, cells, row, ray, j
  real(real64), allocatable :: lower(:), upper(:), intensity(:, :)
  real(real64) :: total
  integer, allocatable :: outside(:)

  if (command_argument_count() < 1) error stop 'usage: rays model.h5 [RAYS [CELLS]]'
  call emulator%open(argument(1))   ! without stat: stops with a message where that fails
  number = number_or(2, 16)
  cells = number_or(3, 50)
  row = emulator%row_size()
  allocate (lower(emulator%parameter_count()), upper(emulator%parameter_count()), intensity(row, number), outside(number))
  do j = 1, size(lower)
    associate (bounds => emulator%parameter_bounds(j))
      lower(j) = bounds(1)
      upper(j) = bounds(2)
    end associate
  end do

  !$omp parallel do schedule(dynamic)
  do ray = 1, number
    call follow(emulator, lower, upper, ray, number, cells, intensity(:, ray), outside(ray))
  end do
  !$omp end parallel do

  do ray = 1, number
    total = 0
    do j = 1, row
      total = total + intensity(j, ray)
    end do
    write (*, '(i0,4(1x,es24.16e3),1x,i0)') ray, intensity(1, ray), intensity(1 + row/2, ray), intensity(row, ray), total, &
      outside(ray)
  end do

contains

  function argument(i) result(word)
    integer, intent(in) :: i
    character(len=:), allocatable :: word
    integer :: length
    call get_command_argument(i, length=length)
    allocate (character(len=length) :: word)
    call get_command_argument(i, word)
  end function argument

  integer function number_or(i, fallback)
    integer, intent(in) :: i, fallback
    character(len=:), allocatable :: word
    integer :: stat
    number_or = fallback
    if (command_argument_count() < i) return
    word = argument(i)
    read (word, *, iostat=stat) number_or
    if (stat /= 0 .or. number_or < 1) error stop 'rays: numbers of rays and cells begin at 1'
  end function number_or

end program rays
